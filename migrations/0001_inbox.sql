-- The inbox: one row per (consumer, transaction id) whose effect is committed, or whose next copy is on its way.
create table holdfast.inbox_message (
  consumer        text        not null,
  transaction_id  text        not null,
  state           text        not null,
  body_hash       bytea       not null,
  failed_attempts integer     not null default 0,
  copy_token      uuid,
  copy_confirmed  boolean     not null default false,
  due_at          timestamptz,
  reason          text,
  history         jsonb,
  received_at     timestamptz not null default now(),
  updated_at      timestamptz not null default now(),
  version         integer     not null default 1,
  constraint inbox_message_key primary key (consumer, transaction_id),
  constraint inbox_message_state check (state in ('completed', 'discarded', 'retrying', 'dead')),
  constraint inbox_message_copy check ((state in ('retrying', 'dead')) = (copy_token is not null))
);
-- Retention reads it; a BRIN index costs the message path next to nothing because rows arrive in time order.
create index inbox_message_retention on holdfast.inbox_message using brin (received_at) with (pages_per_range = 32);

-- Deliveries that came back marked redelivered and were started again: how often, and by which process.
create table holdfast.suspect_delivery (
  consumer     text        not null,
  delivery_key text        not null,
  starts       integer     not null default 1,
  owner        uuid        not null,
  started_at   timestamptz not null default now(),
  constraint suspect_delivery_key primary key (consumer, delivery_key)
);
