-- What handlers publish: written in their transaction, deleted once the broker has confirmed it.
create table holdfast.outbox_message (
  sequence    bigint generated always as identity primary key,
  message_id  text        not null,
  exchange    text        not null,
  routing_key text        not null,
  body        bytea       not null,
  properties  jsonb       not null,
  headers     jsonb       not null,
  attempts    integer     not null default 0,
  last_error  text,
  next_try_at timestamptz not null default now() + interval '10 seconds',
  created_at  timestamptz not null default now()
);
create index outbox_message_due on holdfast.outbox_message (next_try_at, sequence);
