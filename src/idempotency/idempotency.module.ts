import { Module } from '@nestjs/common';
import { BrokerModule } from '../broker/broker.module';
import { MessageModule } from '../message/message.module';
import { InboxSweepStore } from './inbox-sweep.store';
import { InboxStore } from './inbox.store';
import { OutboxRelay } from './outbox-relay';
import { OutboxStore } from './outbox.store';
import { Retention } from './retention';
import { SuspectDeliveryStore } from './suspect-delivery.store';
import { TransactionalMode } from './transactional-mode';

@Module({
  imports: [BrokerModule, MessageModule],
  providers: [
    InboxStore,
    InboxSweepStore,
    OutboxStore,
    OutboxRelay,
    Retention,
    SuspectDeliveryStore,
    TransactionalMode,
  ],
  exports: [InboxStore, OutboxStore, OutboxRelay, Retention, SuspectDeliveryStore, TransactionalMode],
})
export class IdempotencyModule {}

export { judgeClaim, type InboxKey, type InboxState } from './claim';
export { InboxStore, type CopyRecord, type HistoryEntry, type InboxRow } from './inbox.store';
export { OutboxRelay } from './outbox-relay';
export { OutboxStore, type OutboxRow } from './outbox.store';
export { SuspectDeliveryStore } from './suspect-delivery.store';
export { TransactionalMode } from './transactional-mode';
