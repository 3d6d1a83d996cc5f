import { type DynamicModule, Inject, Module, type OnApplicationShutdown } from '@nestjs/common';
import { settleWithin } from '../../message/message.module';
import { startTracing, type StopTracing } from './start-tracing';

const STOP_TRACING = Symbol('stop tracing');
/** What a collector that is away may cost a shutdown. */
const FLUSH_MS = 3_000;

/** Sends traces where `OTEL_EXPORTER_OTLP_ENDPOINT` says. Of the service only: an adopter's app brings its own SDK. */
@Module({})
export class OtlpTracingModule implements OnApplicationShutdown {
  constructor(@Inject(STOP_TRACING) private readonly stop: StopTracing) {}

  static forRoot(environment: Readonly<Record<string, string | undefined>>): DynamicModule {
    return {
      module: OtlpTracingModule,
      providers: [{ provide: STOP_TRACING, useFactory: () => startTracing(environment) }],
    };
  }

  async onApplicationShutdown(): Promise<void> {
    await settleWithin(this.stop(), FLUSH_MS);
  }
}
