import { Module } from '@nestjs/common';
import { MessageModule } from '../message/message.module';
import { InboxStore } from './inbox.store';
import { Retention } from './retention';
import { SuspectDeliveryStore } from './suspect-delivery.store';
import { TransactionalMode } from './transactional-mode';

@Module({
  imports: [MessageModule],
  providers: [InboxStore, Retention, SuspectDeliveryStore, TransactionalMode],
  exports: [InboxStore, Retention, SuspectDeliveryStore, TransactionalMode],
})
export class IdempotencyModule {}

export { judgeClaim, type InboxKey, type InboxState } from './claim';
export { InboxStore, type CopyRecord, type HistoryEntry, type InboxRow } from './inbox.store';
export { SuspectDeliveryStore } from './suspect-delivery.store';
export { lossOf, TransactionalMode } from './transactional-mode';
