-- Answers of admin calls that carried an Idempotency-Key.
create table holdfast.idempotent_request (
  key          text        not null,
  key_name     text        not null,
  request_hash bytea       not null,
  status       integer,
  body         jsonb,
  created_at   timestamptz not null default now(),
  constraint idempotent_request_key primary key (key_name, key)
);
create index idempotent_request_age on holdfast.idempotent_request (created_at);
