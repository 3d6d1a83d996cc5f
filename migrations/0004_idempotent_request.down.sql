drop table holdfast.idempotent_request;
