import { type DynamicModule, Inject, Logger, Module, type OnModuleInit } from '@nestjs/common';
import { getConfigToken } from '@nestjs/config';
import { type Environment, type EnvironmentSource, readEnvironment } from './environment';
import { environmentSchema } from './environment.schema';

export type ServiceConfig = Environment['service'];
export type BrokerConfig = Environment['broker'];
export type DatabaseConfig = Environment['database'];
export type IdempotencyConfig = Environment['idempotency'];
export type ConsumerConfig = Environment['consumer'];
export type AccessConfig = Environment['access'];

export type ConfigSlice = keyof typeof environmentSchema.shape;

const SLICES = Object.keys(environmentSchema.shape) as ConfigSlice[];
const ENVIRONMENT = Symbol('holdfast environment');

/** The token of one slice; prefixed, because an adopter's app may well have a `database` configuration of its own. */
export function configToken(slice: ConfigSlice): string {
  return getConfigToken(`holdfast.${slice}`);
}

/** Injects one slice of the configuration: `@InjectConfig('broker') private readonly config: BrokerConfig`. */
export function InjectConfig(slice: ConfigSlice): ParameterDecorator & PropertyDecorator {
  return Inject(configToken(slice));
}

/**
 * The environment, parsed once for each application and handed out in slices. Global, so that rooms need not know how
 * it was made; several applications with different environments can live in one process.
 */
@Module({})
export class HoldfastConfigModule implements OnModuleInit {
  constructor(@Inject(ENVIRONMENT) private readonly environment: Environment) {}

  /**
   * @param source read when the application is created, not before: what other modules load into `process.env` counts.
   * An environment that was read already is taken as it is.
   */
  static forRoot(source: EnvironmentSource | Environment = process.env): DynamicModule {
    const slices = SLICES.map((slice) => ({
      provide: configToken(slice),
      useFactory: (environment: Environment) => environment[slice],
      inject: [ENVIRONMENT],
    }));
    const environment = {
      provide: ENVIRONMENT,
      useFactory: () => (isEnvironment(source) ? source : readEnvironment(source)),
    };
    return {
      module: HoldfastConfigModule,
      global: true,
      providers: [environment, ...slices],
      exports: slices.map((slice) => slice.provide),
    };
  }

  onModuleInit(): void {
    const logger = new Logger('Configuration');
    for (const warning of this.environment.warnings) logger.warn(warning);
  }
}

function isEnvironment(source: EnvironmentSource | Environment): source is Environment {
  return Array.isArray(source.warnings);
}

export { ROLES, type Role } from './api-keys';
export { EnvironmentError, maskSecret } from './environment-error';
export { readEnvironment, type Environment, type EnvironmentSource } from './environment';
