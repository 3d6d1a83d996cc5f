drop table holdfast.suspect_delivery;
drop table holdfast.inbox_message;
