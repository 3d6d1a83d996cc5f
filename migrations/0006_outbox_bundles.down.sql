drop index holdfast.outbox_message_bundle;
alter table holdfast.outbox_message drop column bundle, drop column exact;
alter table holdfast.outbox_message reset (
  autovacuum_vacuum_scale_factor,
  autovacuum_vacuum_threshold,
  autovacuum_vacuum_cost_delay,
  autovacuum_vacuum_insert_scale_factor,
  autovacuum_vacuum_insert_threshold,
  vacuum_truncate
);
