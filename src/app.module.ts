import { type DynamicModule, type INestApplicationContext, Module } from '@nestjs/common';
import { ConfigModule } from '@nestjs/config';
import { type EnvironmentSource, readEnvironment } from './config/config.module';
import { Database } from './database/database.module';
import { loadExample } from './handlers/loading/load-example';
import { loadHandlers } from './handlers/loading/load-handlers';
import { HoldfastModule } from './holdfast.module';
import {
  JsonLogsModule,
  logAsJson,
  ObservabilityModule,
  OtlpTracingModule,
} from './observability/observability.module';

/** What the example domain makes its tables with; a real application has migrations of its own. */
@Module({
  providers: [{ provide: 'shop database', useExisting: Database }],
  exports: ['shop database'],
})
class ExampleDatabaseModule {}

/** The service: Holdfast with the handlers that the environment names. */
@Module({})
export class AppModule {
  /** @throws EnvironmentError, HandlerLoadError: messages for whoever starts the service. */
  static forRoot(source: EnvironmentSource): DynamicModule {
    const environment = readEnvironment(source);
    const { service, example } = environment;
    const loaded = [loadHandlers(service.handlers)];
    if (service.examples) loaded.push(loadExample({ withPayments: example.paymentUrl !== undefined }));
    return {
      module: AppModule,
      imports: [
        // For the handlers: `ConfigService.get('MY_SETTING')` reads the same environment.
        ConfigModule.forRoot({
          isGlobal: true,
          ignoreEnvFile: true,
          ignoreEnvVars: true,
          skipProcessEnv: true,
          load: [() => source],
        }),
        HoldfastModule.forRoot({
          environment,
          handlers: loaded.flatMap(({ providers }) => providers),
          controllers: loaded.flatMap(({ controllers }) => controllers),
          imports: [
            ...loaded.flatMap(({ modules }) => modules),
            ...(service.examples ? [ExampleDatabaseModule] : []),
          ],
        }),
        ObservabilityModule,
        JsonLogsModule,
        OtlpTracingModule.forRoot(source),
      ],
    };
  }

  /** The service's own way to log; an adopter's app keeps the logger it has. */
  static logAsService(app: INestApplicationContext): void {
    logAsJson(app);
  }
}
