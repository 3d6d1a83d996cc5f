import { Module } from '@nestjs/common';
import { BrokerModule } from '../broker/broker.module';
import { MessageModule } from '../message/message.module';
import { Heartbeat } from './heartbeat';
import { InboxStore } from './inbox.store';
import { LeaseMode } from './lease-mode';
import { LeaseStore } from './lease.store';
import { OutboxRelay } from './outbox-relay';
import { OutboxStore } from './outbox.store';
import { Retention } from './retention';
import { SuspectDeliveryStore } from './suspect-delivery.store';
import { TransactionalMode } from './transactional-mode';

@Module({
  imports: [BrokerModule, MessageModule],
  providers: [
    Heartbeat,
    InboxStore,
    LeaseMode,
    LeaseStore,
    OutboxStore,
    OutboxRelay,
    Retention,
    SuspectDeliveryStore,
    TransactionalMode,
  ],
  exports: [
    InboxStore,
    LeaseMode,
    OutboxStore,
    OutboxRelay,
    Retention,
    SuspectDeliveryStore,
    TransactionalMode,
  ],
})
export class IdempotencyModule {}

export { judgeClaim, type InboxKey, type InboxState } from './claim';
export { InboxStore, type CopyRecord, type HistoryEntry, type InboxRow } from './inbox.store';
export { LeaseLostError, type Lease } from './lease';
export { LeaseMode } from './lease-mode';
export { OutboxRelay } from './outbox-relay';
export { OutboxStore, type OutboxRow } from './outbox.store';
export { SuspectDeliveryStore } from './suspect-delivery.store';
export { TransactionalMode } from './transactional-mode';
