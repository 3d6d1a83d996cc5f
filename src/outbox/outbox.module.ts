import { Module } from '@nestjs/common';
import { BrokerModule } from '../broker/broker.module';
import { MessageModule } from '../message/message.module';
import { BundleSender } from './bundle-sender';
import { OutboxRelay } from './outbox-relay';
import { OutboxSweep } from './outbox-sweep';
import { OutboxStore } from './outbox.store';

@Module({
  imports: [BrokerModule, MessageModule],
  providers: [BundleSender, OutboxRelay, OutboxStore, OutboxSweep],
  exports: [OutboxRelay, OutboxStore, OutboxSweep],
})
export class OutboxModule {}

export { OutboxRelay } from './outbox-relay';
export { OutboxStore } from './outbox.store';
export { OutboxSweep } from './outbox-sweep';
export { outboxWrite, type OutboxRow, type OutboxWrite } from './outbox-write.store';
