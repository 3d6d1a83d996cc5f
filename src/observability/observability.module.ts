import { Module } from '@nestjs/common';
import { TerminusModule } from '@nestjs/terminus';
import { AccessModule } from '../access/access.module';
import { BrokerModule } from '../broker/broker.module';
import { IdempotencyModule } from '../idempotency/idempotency.module';
import { MessageModule } from '../message/message.module';
import { HealthController } from './health/health.controller';
import { ServiceHealth } from './health/service-health';
import { LogLines } from './logs/log-lines';
import { MessageMetrics } from './metrics/message-metrics';
import { MetricsController } from './metrics/metrics.controller';
import { QueueDepths } from './metrics/queue-depths';
import { createRegistry, REGISTRY } from './metrics/registry';
import { StateMetrics, StateSources } from './metrics/state-metrics';
import { MessageTracing } from './traces/message-tracing';

/**
 * Log lines, metrics, spans and probes. It listens to events and reads states; nobody needs it. Consumers and database come
 * from `HoldfastModule`, which is global.
 */
@Module({
  imports: [
    AccessModule,
    BrokerModule,
    IdempotencyModule,
    MessageModule,
    // A probe that fails every few seconds is no news: the change had its line.
    TerminusModule.forRoot({ logger: false }),
  ],
  controllers: [HealthController, MetricsController],
  providers: [
    { provide: REGISTRY, useFactory: createRegistry },
    LogLines,
    MessageMetrics,
    MessageTracing,
    QueueDepths,
    ServiceHealth,
    StateMetrics,
    StateSources,
  ],
})
export class ObservabilityModule {}

export { JsonLogsModule, LOG_DESTINATION, logAsJson } from './logs/json-logs.module';
export { OtlpTracingModule } from './traces/otlp-tracing.module';
