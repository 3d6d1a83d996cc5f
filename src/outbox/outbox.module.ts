import { Module } from '@nestjs/common';
import { BrokerModule } from '../broker/broker.module';
import { MessageModule } from '../message/message.module';
import { OutboxRelay } from './outbox-relay';
import { OutboxStore } from './outbox.store';

@Module({
  imports: [BrokerModule, MessageModule],
  providers: [OutboxStore, OutboxRelay],
  exports: [OutboxStore, OutboxRelay],
})
export class OutboxModule {}

export { OutboxRelay } from './outbox-relay';
export { OutboxStore, type OutboxRow } from './outbox.store';
