import { type DynamicModule, Module, type ModuleMetadata, type Type } from '@nestjs/common';
import { type Environment, type EnvironmentSource, HoldfastConfigModule } from './config/config.module';
import { ConsumerModule } from './consumer/consumer.module';
import { DatabaseModule, type EntityClass } from './database/database.module';
import { BrokerModule } from './broker/broker.module';
import { IdempotencyModule } from './idempotency/idempotency.module';
import { InspectionModule } from './inspection/inspection.module';
import { IntakeModule } from './intake/intake.module';
import { MessageModule } from './message/message.module';
import { RegistrationModule } from './registration/registration.module';

export interface HoldfastOptions {
  /** Classes with `@ReliableConsumer` methods or `@MessageMiddleware`; they may inject what `imports` export. */
  readonly handlers?: readonly Type[];
  /** Controllers with such methods, or with `@EventPattern(…, HOLDFAST)`. */
  readonly controllers?: readonly Type[];
  readonly imports?: ModuleMetadata['imports'];
  /** TypeORM entities for `ctx.tx`, besides the decorated classes that are loaded anyway. */
  readonly entities?: readonly EntityClass[];
  /** Where configuration comes from. Default `process.env`. */
  readonly environment?: EnvironmentSource | Environment;
  /**
   * False: a decorated class that no module of this application provides is no mistake. For several applications in one process,
   * as in tests. Default true.
   */
  readonly requireAllHandlers?: boolean;
}

/** Holdfast in an existing Nest 11 application, and the core of the service. */
@Module({})
export class HoldfastModule {
  static forRoot(options: HoldfastOptions = {}): DynamicModule {
    const rooms = [MessageModule, BrokerModule, IdempotencyModule, InspectionModule, RegistrationModule];
    const consumers = ConsumerModule.forRoot({ mayIgnore: options.requireAllHandlers === false });
    return {
      module: HoldfastModule,
      global: true,
      imports: [
        HoldfastConfigModule.forRoot(options.environment),
        DatabaseModule.forRoot(options.entities),
        ...rooms,
        consumers,
        IntakeModule,
        ...(options.imports ?? []),
      ],
      providers: [...(options.handlers ?? [])],
      controllers: [...(options.controllers ?? [])],
      exports: [...rooms, consumers, DatabaseModule, ...(options.handlers ?? [])],
    };
  }
}
