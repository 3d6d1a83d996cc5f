import { performance } from 'node:perf_hooks';
import type { Client } from 'pg';
import { CONSUMERS } from './fill';
import { newId, type IdKind } from './ids';
import type { Product } from './product';
import { serverCpuMs } from './server-cpu';

/** One message and one commit, or a hundred messages in one statement and one commit. */
export type ClaimMode = 'single' | 'hundred';

/** What one message cost. */
export interface ClaimCost {
  readonly perSecond: number;
  /** Microseconds of time for each message. */
  readonly micros: number;
  /** CPU time of the server's connections for each message; undefined where the server is not on this machine. */
  readonly serverMicros: number | undefined;
  readonly walBytes: number;
}

export const CONNECTIONS: Readonly<Record<ClaimMode, number>> = { single: 10, hundred: 4 };
const GROUP = 100;
const BODY_HASH = Buffer.from('000102030405060708090a0b0c0d0e0f', 'hex');

/** Claims new messages for a while, each as the product does it: begin and insert in one packet, then commit. */
export async function measureClaims(
  product: Product,
  watcher: Client,
  mode: ClaimMode,
  kind: IdKind,
  seconds: number,
  { afterCheckpoint = false } = {},
): Promise<ClaimCost> {
  const claim = mode === 'single' ? claimOne : claimHundred;
  await Promise.all(Array.from({ length: CONNECTIONS[mode] }, (_, lane) => claim(product, kind, lane)));
  if (afterCheckpoint) await watcher.query('checkpoint');
  const before = await readCounters(watcher);
  const until = before.at + seconds * 1_000;
  const claimed = await Promise.all(
    Array.from({ length: CONNECTIONS[mode] }, async (_, lane) => {
      let messages = 0;
      for (let turn = lane; performance.now() < until; turn++) messages += await claim(product, kind, turn);
      return messages;
    }),
  );
  const after = await readCounters(watcher);
  const messages = claimed.reduce((sum, count) => sum + count, 0);
  // The pool may have let a connection go, and its time with it.
  const isSame = before.pids.join() === after.pids.join();
  const cpuMs =
    before.cpuMs === undefined || after.cpuMs === undefined || !isSame
      ? undefined
      : after.cpuMs - before.cpuMs;
  return {
    perSecond: (messages / (after.at - before.at)) * 1_000,
    micros: ((after.at - before.at) / messages) * 1_000,
    serverMicros: cpuMs === undefined ? undefined : (cpuMs / messages) * 1_000,
    walBytes: (after.wal - before.wal) / messages,
  };
}

async function claimOne({ database, inbox }: Product, kind: IdKind, turn: number): Promise<number> {
  const transaction = await database.openHandlerTransaction();
  const isNew = await inbox.beginWithClaim(transaction, {
    consumer: consumerOf(turn),
    transactionId: newId(kind),
    bodyHash: BODY_HASH,
    copyToken: undefined,
  });
  if (!isNew) throw new Error('a new message was taken for a repetition');
  await transaction.commit();
  return 1;
}

async function claimHundred({ database, inbox }: Product, kind: IdKind, turn: number): Promise<number> {
  const transaction = await database.openHandlerTransaction();
  const keys = Array.from({ length: GROUP }, () => ({
    consumer: consumerOf(turn),
    transactionId: newId(kind),
    bodyHash: BODY_HASH,
    copyToken: undefined,
  }));
  const claimed = await inbox.beginWithClaims(transaction, database.lockTimeoutMs, keys);
  if (claimed !== GROUP) throw new Error(`${String(claimed)} of ${String(GROUP)} new messages were claimed`);
  await transaction.commit();
  return GROUP;
}

const consumerOf = (turn: number): string => `orders.${String(turn % CONSUMERS)}`;

interface Counters {
  readonly at: number;
  readonly wal: number;
  readonly pids: readonly number[];
  readonly cpuMs: number | undefined;
}

async function readCounters(client: Client): Promise<Counters> {
  const { rows } = await client.query<{ wal: string; pids: number[] }>(
    `select pg_current_wal_insert_lsn() - '0/0' as wal,
            array(select pid from pg_stat_activity where datname = current_database() and backend_type = 'client backend' order by 1) as pids`,
  );
  const { wal, pids } = rows[0]!;
  return { at: performance.now(), wal: Number(wal), pids, cpuMs: serverCpuMs(pids) };
}
