import { Module } from '@nestjs/common';
import { TerminusModule } from '@nestjs/terminus';
import { PrometheusModule } from '@willsoto/nestjs-prometheus';
import { AccessModule } from '../access/access.module';
import { BrokerModule } from '../broker/broker.module';
import { InspectionModule } from '../inspection/inspection.module';
import { MessageModule } from '../message/message.module';
import { HealthController } from './health/health.controller';
import { ServiceHealth } from './health/service-health';
import { LogLines } from './logs/log-lines';
import { MetricsController } from './metrics/metrics.controller';
import { MetricsModule } from './metrics/metrics.module';
import { MessageTracing } from './traces/message-tracing';

/**
 * Log lines, metrics, spans and probes. It listens to events and reads states; nobody needs it. Consumers and database come
 * from `HoldfastModule`, which is global.
 */
@Module({
  imports: [
    AccessModule,
    BrokerModule,
    InspectionModule,
    MessageModule,
    MetricsModule,
    // Our controller: behind a key where the configuration says so, and with states read at each scrape.
    {
      ...PrometheusModule.register({
        path: 'metrics',
        controller: MetricsController,
        defaultMetrics: { enabled: false },
      }),
      imports: [AccessModule, MetricsModule],
    },
    // A probe that fails every few seconds is no news: the change had its line.
    TerminusModule.forRoot({ logger: false }),
  ],
  controllers: [HealthController],
  providers: [LogLines, MessageTracing, ServiceHealth],
})
export class ObservabilityModule {}

export { JsonLogsModule, LOG_DESTINATION, logAsJson } from './logs/json-logs.module';
export { OtlpTracingModule } from './traces/otlp-tracing.module';
