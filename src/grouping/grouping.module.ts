import { Module } from '@nestjs/common';
import { IdempotencyModule } from '../idempotency/idempotency.module';
import { GroupTransaction } from './group-transaction';

@Module({
  imports: [IdempotencyModule],
  providers: [GroupTransaction],
  exports: [GroupTransaction],
})
export class GroupingModule {}

export { GroupTransaction } from './group-transaction';
export { SharedCommit, type Redo, type SharedMember } from './shared-commit';
