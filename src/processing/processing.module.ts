import { Module } from '@nestjs/common';
import { BrokerModule } from '../broker/broker.module';
import { IdempotencyModule } from '../idempotency/idempotency.module';
import { MessageModule } from '../message/message.module';
import { TopologyModule } from '../topology/topology.module';
import { ContextFactory } from './context-factory';
import { CrashGuard } from './crash-guard';
import { MessageProcessor } from './message-processor';
import { PipelineFactory } from './pipeline-factory';
import { Settlement } from './settlement';
import { SuspectDeliveryStore } from './suspect-delivery.store';

@Module({
  imports: [BrokerModule, IdempotencyModule, MessageModule, TopologyModule],
  providers: [
    ContextFactory,
    CrashGuard,
    MessageProcessor,
    PipelineFactory,
    Settlement,
    SuspectDeliveryStore,
  ],
  exports: [MessageProcessor, PipelineFactory, SuspectDeliveryStore],
})
export class ProcessingModule {}

export type { HandlerPipeline } from './handler-pipeline';
export { MessageProcessor, type ConsumerRuntime } from './message-processor';
export { PipelineFactory } from './pipeline-factory';
export { SuspectDeliveryStore } from './suspect-delivery.store';
