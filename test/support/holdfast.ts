import 'reflect-metadata';
import { randomUUID } from 'node:crypto';
import type { INestApplication } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Consumers, EventBus, HoldfastModule, type HoldfastEvents, type HoldfastOptions } from 'holdfast';
import { BrokerClient } from './broker-client';
import { createTestDatabase, testDatabaseAt, type TestDatabase } from './databases';
import { eventually } from './eventually';
import { createTestVhost, type TestVhost } from './vhosts';

export type Settled = HoldfastEvents['message.settled'];

/** A running application under test. */
export interface RunningHoldfast {
  readonly app: INestApplication;
  readonly events: EventBus;
  readonly consumers: Consumers;
  /** Every settled delivery so far, oldest first. */
  readonly settled: readonly Settled[];
  /** Resolves when every consumer is attached. */
  attached(): Promise<void>;
  /** The settled delivery of this transaction id with this outcome. */
  outcome(transactionId: string, kind: Settled['outcome']['kind'], timeoutMs?: number): Promise<Settled>;
  stop(): Promise<void>;
}

export interface StartOptions extends HoldfastOptions {
  readonly variables?: Record<string, string>;
  /** Default true: wait until every consumer is attached. */
  readonly wait?: boolean;
  /** For what has to be done with the application before it is initialised. */
  readonly prepare?: (app: INestApplication) => Promise<void> | void;
}

/** Addresses of servers that belong to the test alone. */
export interface OwnServers {
  readonly rabbitmqUrl?: string;
  readonly databaseUrl?: string;
}

/** A vhost and a database for the tests of one file, and applications on them. */
export class World {
  private readonly running = new Set<RunningHoldfast>();

  private constructor(
    readonly vhost: TestVhost,
    readonly database: TestDatabase,
    readonly broker: BrokerClient,
  ) {}

  /** On the shared servers, or on servers of its own. */
  static async create({ rabbitmqUrl, databaseUrl }: OwnServers = {}): Promise<World> {
    const [vhost, database] = await Promise.all([
      rabbitmqUrl === undefined ? createTestVhost() : wholeBroker(rabbitmqUrl),
      databaseUrl === undefined ? createTestDatabase() : wholeDatabase(databaseUrl),
    ]);
    await database.query(
      'create table effect (handler text not null, transaction_id text not null, detail text)',
    );
    return new World(vhost, database, await BrokerClient.connect(vhost.url));
  }

  get environment(): Record<string, string> {
    return {
      RABBITMQ_URL: this.vhost.url,
      DATABASE_URL: this.database.url,
      HOLDFAST_SHUTDOWN_GRACE: '10s',
      PORT: '0',
    };
  }

  async start({ variables = {}, wait = true, prepare, ...options }: StartOptions): Promise<RunningHoldfast> {
    const environment = { ...this.environment, ...variables };
    const app = await NestFactory.create(
      HoldfastModule.forRoot({ requireAllHandlers: false, environment, ...options }),
      {
        logger: process.env['TEST_LOGS'] ? undefined : false,
        abortOnError: false,
      },
    );
    const events = app.get(EventBus);
    const consumers = app.get(Consumers);
    const settled: Settled[] = [];
    events.on('message.settled', (event) => settled.push(event));
    const one: RunningHoldfast = {
      app,
      events,
      consumers,
      settled,
      attached: () =>
        eventually(() => {
          const missing = consumers.list().filter(({ state }) => state !== 'running');
          if (missing.length > 0)
            throw new Error(
              missing.map(({ queue, state, reason }) => `${queue} ${state}: ${String(reason)}`).join('; '),
            );
        }, 30_000),
      outcome: async (transactionId, kind, timeoutMs) => {
        const fits = (event: Settled): boolean =>
          event.transactionId === transactionId && event.outcome.kind === kind;
        return settled.find(fits) ?? (await events.next('message.settled', fits, timeoutMs));
      },
      stop: async () => {
        this.running.delete(one);
        await app.close();
      },
    };
    this.running.add(one);
    await prepare?.(app);
    await app.init();
    if (wait) await one.attached();
    return one;
  }

  /** How often a handler took effect for a transaction id. */
  async effects(handler: string, transactionId?: string): Promise<number> {
    const [row] = await this.database.query<{ n: number }>(
      'select count(*)::int as n from effect where handler = $1 and ($2::text is null or transaction_id = $2)',
      [handler, transactionId ?? null],
    );
    return row?.n ?? 0;
  }

  async remove(): Promise<void> {
    for (const one of [...this.running]) await one.stop();
    await this.broker.close();
    await Promise.all([this.vhost.remove(), this.database.drop()]);
  }
}

const wholeBroker = (url: string): TestVhost => ({ name: '/', url, remove: () => Promise.resolve() });
const wholeDatabase = (url: string): TestDatabase => ({
  ...testDatabaseAt(url),
  drop: () => Promise.resolve(),
});

/** A queue name no other test uses. */
export function aQueue(label = 'queue'): string {
  return `${label}-${randomUUID().slice(0, 8)}`;
}
