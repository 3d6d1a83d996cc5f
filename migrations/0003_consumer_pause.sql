-- An operator's pause: holds on every replica and over every restart until somebody resumes the consumer.
create table holdfast.consumer_pause (
  queue     text        primary key,
  paused_by text        not null,
  reason    text,
  paused_at timestamptz not null default now()
);
