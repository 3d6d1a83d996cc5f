-- How far the retention has come on its walk through the inbox, slice by slice; whoever holds the one row walks.
create table holdfast.inbox_walk (
  one        boolean          primary key default true check (one),
  next_block bigint           not null default 0,
  looked_ms  double precision not null default 0,
  next_at    timestamptz      not null default '-infinity'
);
insert into holdfast.inbox_walk default values;
-- A walk needs no index. This one no longer tells old pages from new ones once the space of forgotten rows has been used again; a replica of
-- the version before reads the whole table instead, as it then did anyway.
drop index holdfast.inbox_message_retention;
