-- Lease mode: a row is `running` while a process handles its message. `copy_token` names the claim and `due_at` is the end of its lease,
-- so that the version before this one takes the row for a retry whose copy it has to send when the lease ends: later, never a duplicate.
-- `not valid`: the rows there are obey the narrower rules that these replace, so nobody has to wait for them to be read.
alter table holdfast.inbox_message
  drop constraint inbox_message_state,
  drop constraint inbox_message_copy,
  add constraint inbox_message_state
    check (state in ('running', 'completed', 'discarded', 'retrying', 'dead')) not valid,
  add constraint inbox_message_copy
    check ((state in ('running', 'retrying', 'dead')) = (copy_token is not null)) not valid,
  add constraint inbox_message_lease check (state <> 'running' or due_at is not null) not valid;
