import { Module } from '@nestjs/common';
import { BrokerModule } from '../broker/broker.module';
import { GroupingModule } from '../grouping/grouping.module';
import { IdempotencyModule } from '../idempotency/idempotency.module';
import { MessageModule } from '../message/message.module';
import { OutboxModule } from '../outbox/outbox.module';
import { TopologyModule } from '../topology/topology.module';
import { ContextFactory } from './context-factory';
import { CopyPublisher } from './copy-publisher';
import { CrashGuard } from './crash-guard';
import { MessageProcessor } from './message-processor';
import { PipelineFactory } from './pipeline-factory';
import { Settlement } from './settlement';

@Module({
  imports: [BrokerModule, GroupingModule, IdempotencyModule, MessageModule, OutboxModule, TopologyModule],
  providers: [ContextFactory, CopyPublisher, CrashGuard, MessageProcessor, PipelineFactory, Settlement],
  exports: [MessageProcessor, PipelineFactory],
})
export class ProcessingModule {}

export type { HandlerPipeline } from './handler-pipeline';
export { MessageProcessor, type ConsumerRuntime } from './message-processor';
export { PipelineFactory } from './pipeline-factory';
