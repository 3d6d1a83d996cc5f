import { Get, Header } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import { Registry } from 'prom-client';
import { Open, OpenController } from '../../access/access.module';
import { StateMetrics } from './state-metrics';

/** `GET /metrics` in the text format of Prometheus. */
@ApiExcludeController()
@OpenController('metrics')
export class MetricsController {
  constructor(private readonly metrics: StateMetrics) {}

  @Get()
  @Open({ unless: 'metricsRequireKey' })
  @Header('Content-Type', Registry.PROMETHEUS_CONTENT_TYPE)
  @Header('Cache-Control', 'no-store')
  page(): Promise<string> {
    return this.metrics.page();
  }
}
