import { Module } from '@nestjs/common';
import { BrokerModule } from '../../broker/broker.module';
import { InspectionModule } from '../../inspection/inspection.module';
import { MessageModule } from '../../message/message.module';
import { OutboxModule } from '../../outbox/outbox.module';
import { MessageMetrics } from './message-metrics';
import { METRICS } from './metric-definitions';
import { QueueDepths } from './queue-depths';
import { createRegistry, REGISTRY } from './registry';
import { StateGauges, StateMetrics, StateSources } from './state-metrics';

/** Counts events and reads states; `/metrics` itself is served through nestjs-prometheus. */
@Module({
  imports: [BrokerModule, InspectionModule, MessageModule, OutboxModule],
  providers: [
    { provide: REGISTRY, useFactory: createRegistry },
    ...METRICS,
    MessageMetrics,
    QueueDepths,
    StateGauges,
    StateMetrics,
    StateSources,
  ],
  exports: [StateMetrics, ...METRICS],
})
export class MetricsModule {}
