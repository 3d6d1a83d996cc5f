import { Module } from '@nestjs/common';
import { MessageModule } from '../message/message.module';
import { Heartbeat } from './heartbeat';
import { InboxSweepStore } from './inbox-sweep.store';
import { InboxStore } from './inbox.store';
import { LeaseMode } from './lease-mode';
import { LeaseStore } from './lease.store';
import { Retention } from './retention';
import { SuspectDeliveryStore } from './suspect-delivery.store';
import { TransactionalMode } from './transactional-mode';

@Module({
  imports: [MessageModule],
  providers: [
    Heartbeat,
    InboxStore,
    InboxSweepStore,
    LeaseMode,
    LeaseStore,
    Retention,
    SuspectDeliveryStore,
    TransactionalMode,
  ],
  exports: [InboxStore, LeaseMode, Retention, SuspectDeliveryStore, TransactionalMode],
})
export class IdempotencyModule {}

export { judgeClaim, type InboxKey, type InboxState } from './claim';
export { InboxStore, type CopyRecord, type HistoryEntry, type InboxRow } from './inbox.store';
export { LeaseLostError, type Lease } from './lease';
export { LeaseMode } from './lease-mode';
export { SuspectDeliveryStore } from './suspect-delivery.store';
export { lossOf, TransactionalMode, type LastStatement } from './transactional-mode';
