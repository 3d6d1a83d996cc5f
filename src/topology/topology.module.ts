import { Module } from '@nestjs/common';
import { BrokerModule } from '../broker/broker.module';
import { MessageModule } from '../message/message.module';
import { DelayTiers } from './delay-tiers';
import { TopologyDeclarer } from './topology-declarer';

@Module({
  imports: [BrokerModule, MessageModule],
  providers: [TopologyDeclarer, DelayTiers],
  exports: [TopologyDeclarer, DelayTiers],
})
export class TopologyModule {}

export { DelayTiers } from './delay-tiers';
export { consumerPlan, names, tierPlan, type QueueType, type WorkQueue } from './plan';
export { TopologyDeclarer } from './topology-declarer';
