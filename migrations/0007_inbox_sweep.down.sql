create index inbox_message_retention on holdfast.inbox_message using brin (received_at) with (pages_per_range = 32);
drop table holdfast.inbox_sweep;
