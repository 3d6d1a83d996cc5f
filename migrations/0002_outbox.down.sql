drop table holdfast.outbox_message;
