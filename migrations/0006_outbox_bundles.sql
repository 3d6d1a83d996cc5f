-- A bundle: what one handled message published, which leaves in the order written. Null where it published one message only.
alter table holdfast.outbox_message
  add column bundle uuid,
  -- The publication without loss, where jsonb and text cannot hold it (NUL, bytes); null where they can.
  add column exact text;

-- Only bundles are in it, so that a handler that publishes one message pays nothing for it.
create index outbox_message_bundle on holdfast.outbox_message (bundle, sequence) where bundle is not null;

-- Nearly every row is deleted a moment after it was written. Vacuum has to come for the dead rows alone, however few are alive, to keep the
-- front of both indexes short; and it must not wait for an exclusive lock to give pages back that are needed again at once.
alter table holdfast.outbox_message set (
  autovacuum_vacuum_scale_factor = 0,
  autovacuum_vacuum_threshold = 10000,
  autovacuum_vacuum_cost_delay = 0,
  autovacuum_vacuum_insert_scale_factor = 0,
  autovacuum_vacuum_insert_threshold = 1000000,
  vacuum_truncate = false
);
