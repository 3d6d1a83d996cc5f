import { Inject, Injectable, Logger, type OnApplicationShutdown } from '@nestjs/common';
import pg, { Pool } from 'pg';
import { DataSource, getMetadataArgsStorage } from 'typeorm';
import { InjectConfig, type DatabaseConfig } from '../config/config.module';
import { backoffMs, DependencyGate, EventBus, settleWithin } from '../message/message.module';
import { HandlerConnections } from './handler-connections';
import { HandlerTransaction, TransactionLostError } from './handler-transaction';
import { StatementNames } from './statement-names';
import { migrateUp, readMigrations } from './migrator';

/** A pool of its own, so that retries, pauses and probes get through while every handler connection is busy. */
const BOOKKEEPING_CONNECTIONS = 4;
/** How long connections may take to say goodbye. */
const CLOSE_MS = 3_000;

export type EntityClass = new (...args: never[]) => object;
export const ENTITIES = Symbol('holdfast entities');

/**
 * Postgres as Holdfast uses it: one pool for the transactions of handlers (TypeORM's), one for bookkeeping. It starts without
 * a server and comes back when the server does.
 */
@Injectable()
export class Database implements OnApplicationShutdown {
  private readonly logger = new Logger(Database.name);
  /** Whether Postgres answers and the schema is there. */
  readonly gate: DependencyGate;
  readonly dataSource: DataSource;
  private readonly bookkeeping: Pool;
  private readonly handlerConnections: HandlerConnections;
  private readonly statementNames = new StatementNames();
  private prepared = false;

  constructor(
    @InjectConfig('database') private readonly config: DatabaseConfig,
    @Inject(ENTITIES) entities: readonly EntityClass[],
    events: EventBus,
  ) {
    const shared = {
      connectionTimeoutMillis: 5_000,
      keepAlive: true,
      application_name: 'holdfast',
    };
    this.dataSource = new DataSource({
      type: 'postgres',
      // Not whichever TypeORM finds: our statements are made of this pg's own (`statements.ts`).
      driver: pg,
      url: config.url,
      entities: [...new Set<unknown>([...entities, ...decoratedEntities()])] as EntityClass[],
      synchronize: false,
      poolSize: config.poolSize,
      extra: { ...shared, pipeline: true },
      // The gate words it once; TypeORM would write one line for every idle connection that goes.
      poolErrorHandler: (error: unknown) => {
        this.gate.reportFailure(error);
      },
    });
    this.bookkeeping = new Pool({
      ...shared,
      connectionString: config.url,
      max: BOOKKEEPING_CONNECTIONS,
      query_timeout: 10_000,
    });
    this.bookkeeping.on('error', (error) => {
      this.gate.reportFailure(error);
    });
    this.handlerConnections = new HandlerConnections(config.poolSize, () => this.handlerPool());
    this.gate = new DependencyGate(
      'database',
      () => this.probe(),
      events,
      (n) => backoffMs(n, 100, 5_000),
    );
  }

  /** Returns at once; connecting and migrating go on in the background for as long as they take. */
  start(): void {
    this.gate.start();
  }

  get available(): boolean {
    return this.gate.available;
  }

  /** One statement on the bookkeeping pool. A failure of the infrastructure closes the gate before it is thrown. */
  async query<Row extends object = Record<string, unknown>>(
    text: string,
    values: unknown[] = [],
  ): Promise<{ rows: Row[]; rowCount: number }> {
    const { rows, rowCount } = await this.bookkeeping.query(text, values);
    return { rows: rows as Row[], rowCount: rowCount ?? 0 };
  }

  /** A connection for the transaction of one message; waits while all are in use. @throws TransactionLostError */
  async openHandlerTransaction(): Promise<HandlerTransaction> {
    try {
      const client = await this.handlerConnections.acquire();
      return new HandlerTransaction(
        client,
        this.dataSource,
        this.config.answerTimeoutMs,
        this.handlerConnections,
        this.statementNames,
        async (processId) => {
          await this.bookkeeping.query('select pg_terminate_backend($1)', [processId]);
        },
      );
    } catch (error) {
      throw new TransactionLostError(`no database connection: ${messageOf(error)}`, { cause: error });
    }
  }

  get lockTimeoutMs(): number {
    return this.config.lockTimeoutMs;
  }

  async onApplicationShutdown(): Promise<void> {
    this.gate.stop();
    const closing: Promise<unknown>[] = [this.bookkeeping.end()];
    if (this.dataSource.isInitialized) closing.push(this.dataSource.destroy());
    // A connection that was left behind in mid-transaction never comes back to its pool.
    await settleWithin(Promise.allSettled(closing), CLOSE_MS);
  }

  private async probe(): Promise<void> {
    if (!this.prepared) await this.prepare();
    await this.bookkeeping.query('select 1');
  }

  private async prepare(): Promise<void> {
    if (this.config.migrate) await this.migrate();
    else await this.assertMigrated();
    if (!this.dataSource.isInitialized) await this.dataSource.initialize();
    this.prepared = true;
  }

  private async migrate(): Promise<void> {
    const client = await this.bookkeeping.connect();
    let failed: Error | undefined;
    // A checked-out client without it takes the process down when the server goes; the statement under way says so too.
    const onError = (error: Error): void => {
      failed = error;
    };
    client.on('error', onError);
    try {
      const applied = await migrateUp(client, await readMigrations());
      if (applied.length > 0) this.logger.log(`migrated: ${applied.join(', ')}`);
    } catch (error) {
      failed = error instanceof Error ? error : new Error(String(error));
      throw error;
    } finally {
      client.off('error', onError);
      client.release(failed);
    }
  }

  private async assertMigrated(): Promise<void> {
    const names = (await readMigrations()).map(({ name }) => name);
    const { rows } = await this.bookkeeping.query<{ name: string }>(
      "select name from unnest($1::text[]) as needed (name) where to_regclass('holdfast.migration') is null",
      [names],
    );
    const missing =
      rows.length > 0
        ? rows
        : (
            await this.bookkeeping.query<{ name: string }>(
              'select name from unnest($1::text[]) as needed (name) where name not in (select name from holdfast.migration)',
              [names],
            )
          ).rows;
    if (missing.length > 0) {
      throw new Error(
        `the schema "holdfast" lacks the migrations ${missing.map(({ name }) => name).join(', ')}: run "npm run migrate", or let the service do it with HOLDFAST_MIGRATE=true`,
      );
    }
  }

  private handlerPool(): Pool {
    // The pool is not in TypeORM's types; `test/assumptions` watches over it.
    const { master } = this.dataSource.driver as unknown as { master: Pool | undefined };
    if (!master) throw new Error('the database has not been reached yet');
    return master;
  }
}

/** Whatever was loaded with `@Entity`, so that `ctx.tx.getRepository(Order)` works without a list. */
function decoratedEntities(): unknown[] {
  return getMetadataArgsStorage()
    .tables.map(({ target }) => target)
    .filter((target) => typeof target === 'function');
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
