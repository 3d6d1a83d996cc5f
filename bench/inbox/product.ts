import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import type * as DatabaseFile from 'holdfast/database/database';
import type * as InboxStoreFile from 'holdfast/idempotency/inbox.store';
import type * as InboxSweepFile from 'holdfast/idempotency/inbox-sweep.store';
import type * as RetentionFile from 'holdfast/idempotency/retention';
import type * as SuspectsFile from 'holdfast/idempotency/suspect-delivery.store';
import type * as EventsFile from 'holdfast/message/events';
import { RETENTION_DAYS } from './fill';

/** The classes of the product that touch the inbox, on one database, without a broker. */
export interface Product {
  readonly database: DatabaseFile.Database;
  readonly inbox: InboxStoreFile.InboxStore;
  /** @returns what ends it. */
  startRetention(): () => Promise<void>;
  /** How many rows the retention has removed so far. */
  forgotten(): number;
  close(): Promise<void>;
}

/** Short, so that the sweep is under way when the measurement begins. */
const SWEEP_INTERVAL_MS = 50;
const RETENTION_MS = RETENTION_DAYS * 86_400_000;

/** Opens the database as the service does, migrations included. */
export async function openProduct(url: string, poolSize: number): Promise<Product> {
  const { Database } = load<typeof DatabaseFile>('database/database');
  const { InboxStore } = load<typeof InboxStoreFile>('idempotency/inbox.store');
  const { InboxSweepStore } = load<typeof InboxSweepFile>('idempotency/inbox-sweep.store');
  const { Retention } = load<typeof RetentionFile>('idempotency/retention');
  const { SuspectDeliveryStore } = load<typeof SuspectsFile>('idempotency/suspect-delivery.store');
  const { EventBus } = load<typeof EventsFile>('message/events');
  const events = new EventBus();
  const config = {
    url,
    poolSize,
    migrate: true,
    lockTimeoutMs: 10_000,
    answerTimeoutMs: 30_000,
  } as ConstructorParameters<typeof Database>[0];
  const database = new Database(config, [], events);
  const inbox = new InboxStore(database);
  const sweep = new InboxSweepStore(database);
  let forgotten = 0;
  events.on('retention.swept', ({ table, rows }) => {
    if (table === 'inbox_message') forgotten += rows;
  });
  database.start();
  await database.gate.whenAvailable();
  return {
    database,
    inbox,
    startRetention() {
      const retention = new Retention(
        {
          retentionMs: RETENTION_MS,
          leaseMs: 30_000,
          replayWindowMs: RETENTION_MS,
          sweepIntervalMs: SWEEP_INTERVAL_MS,
        },
        sweep,
        new SuspectDeliveryStore(database, events),
        database,
        events,
      );
      retention.onApplicationBootstrap();
      return () => retention.onModuleDestroy();
    },
    forgotten: () => forgotten,
    close: () => database.onApplicationShutdown(),
  };
}

/** From dist/, which is no public path of the package: the bench measures the very statements, and only types know them here. */
function load<File>(path: string): File {
  return createRequire(__filename)(join(root(), 'dist', path)) as File;
}

function root(): string {
  let at = __dirname;
  while (!existsSync(join(at, 'package.json')) && dirname(at) !== at) at = dirname(at);
  return at;
}
