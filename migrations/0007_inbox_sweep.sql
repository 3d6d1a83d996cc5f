-- How far the retention has come on its sweep of the inbox, slice by slice; whoever holds the one row makes the next step.
create table holdfast.inbox_sweep (
  one        boolean          primary key default true check (one),
  next_block bigint           not null default 0,
  looked_ms  double precision not null default 0,
  next_at    timestamptz      not null default '-infinity'
);
insert into holdfast.inbox_sweep default values;
-- A sweep needs no index. This one no longer tells old pages from new ones once the space of forgotten rows has been used again; a replica of
-- the version before reads the whole table instead, as it then did anyway.
drop index holdfast.inbox_message_retention;
