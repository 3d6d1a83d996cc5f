import { type DynamicModule, Module } from '@nestjs/common';
import { MessageModule } from '../message/message.module';
import { Database, ENTITIES, type EntityClass } from './database';

@Module({})
export class DatabaseModule {
  /** @param entities TypeORM entities of the application, besides those that are decorated and loaded anyway. */
  static forRoot(entities: readonly EntityClass[] = []): DynamicModule {
    return {
      module: DatabaseModule,
      global: true,
      imports: [MessageModule],
      providers: [{ provide: ENTITIES, useValue: entities }, Database],
      exports: [Database],
    };
  }
}

export { Database, type EntityClass } from './database';
export { Gatherer, type GathererLimits } from './gatherer';
export {
  type HandlerAccess,
  type HandlerTransaction,
  SwallowedSqlError,
  TransactionLostError,
} from './handler-transaction';
export { migrateDatabase } from './migrate-database';
export { Semaphore } from './semaphore';
export { classifySqlError, type SqlFailure } from './sql-state';
