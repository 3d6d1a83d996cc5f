-- What is running becomes what the version before takes it for anyway.
update holdfast.inbox_message set state = 'retrying', copy_confirmed = false where state = 'running';
alter table holdfast.inbox_message
  drop constraint inbox_message_lease,
  drop constraint inbox_message_state,
  drop constraint inbox_message_copy,
  add constraint inbox_message_state check (state in ('completed', 'discarded', 'retrying', 'dead')) not valid,
  add constraint inbox_message_copy check ((state in ('retrying', 'dead')) = (copy_token is not null)) not valid;
