import { Module } from '@nestjs/common';
import { IdempotencyModule } from '../idempotency/idempotency.module';
import { GroupTransaction } from './group-transaction';

@Module({
  imports: [IdempotencyModule],
  providers: [GroupTransaction],
  exports: [GroupTransaction],
})
export class GroupingModule {}

export { Batches, type BatchCall, type BatchMember } from './batches';
export { GroupTransaction } from './group-transaction';
export { SharedCommit, type Redo, type SharedMember } from './shared-commit';
export { Seat } from './seat';
