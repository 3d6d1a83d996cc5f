import { performance } from 'node:perf_hooks';
import { Client } from 'pg';
import { CONNECTIONS, measureClaims, type ClaimCost, type ClaimMode } from './claims';
import { fill, RETENTION_DAYS } from './fill';
import type { IdKind } from './ids';
import { layoutNamed } from './layouts';
import { openProduct, type Product } from './product';

export interface InboxOptions {
  readonly layouts: readonly string[];
  readonly kinds: readonly IdKind[];
  /** Sizes of the table, besides the empty one that each is compared with. */
  readonly sizes: readonly number[];
  readonly modes: readonly ClaimMode[];
  readonly rounds: number;
  /** Of each measurement. */
  readonly seconds: number;
}

export const FULL: InboxOptions = {
  layouts: ['product'],
  kinds: ['v4', 'v7'],
  sizes: [1_000_000, 10_000_000],
  modes: ['single', 'hundred'],
  rounds: 3,
  seconds: 1,
};

export const QUICK: InboxOptions = { ...FULL, sizes: [200_000], rounds: 2, seconds: 0.5 };

/** One entry for each round. */
export interface ClaimCosts {
  readonly mode: ClaimMode;
  /** In an empty table, taking turns with the next two. */
  readonly empty: readonly ClaimCost[];
  /** In the big one, between two checkpoints: most pages that are touched were touched since the last one. */
  readonly big: readonly ClaimCost[];
  /** The same, while the retention takes rows out. */
  readonly purging: readonly ClaimCost[];
  /** In an empty one right after a checkpoint, taking turns with the next. */
  readonly emptyAfterCheckpoint: readonly ClaimCost[];
  /** In the big one right after a checkpoint, the worst moment: each page that is touched first goes into the log as a whole. */
  readonly afterCheckpoint: readonly ClaimCost[];
}

type State = Exclude<keyof ClaimCosts, 'mode'>;

export interface PurgeCost {
  readonly rows: number;
  readonly perSecond: number;
}

export interface InboxState {
  readonly layout: string;
  readonly kind: IdKind;
  readonly rows: number;
  readonly fillSeconds: number;
  readonly tableBytes: number;
  readonly indexBytes: Readonly<Record<string, number>>;
  readonly claims: readonly ClaimCosts[];
  /** By nothing but the retention itself, at its own pace, without other load. */
  readonly purge: PurgeCost;
}

/**
 * Cost of a message against the size of the inbox. Two databases are made beside the one named and dropped at the end: one stays empty,
 * one is filled, and they take turns, so that what slows the machine for a while slows both.
 * @param url of a user who may create databases and checkpoint.
 */
export async function measureInbox(
  url: string,
  options: InboxOptions,
  log: (line: string) => void = () => undefined,
): Promise<InboxState[]> {
  const states: InboxState[] = [];
  for (const layout of options.layouts)
    for (const kind of options.kinds)
      for (const rows of options.sizes)
        states.push(
          await withDatabases(url, (empty, big) =>
            measureState(empty, big, layout, kind, rows, options, log),
          ),
        );
  return states;
}

async function measureState(
  emptyUrl: string,
  bigUrl: string,
  layout: string,
  kind: IdKind,
  rows: number,
  options: InboxOptions,
  log: (line: string) => void,
): Promise<InboxState> {
  const poolSize = Math.max(...Object.values(CONNECTIONS));
  const empty = await openProduct(emptyUrl, poolSize);
  const big = await openProduct(bigUrl, poolSize);
  const [inEmpty, inBig, helper] = await connectAll(emptyUrl, bigUrl, bigUrl);
  try {
    for (const client of [inEmpty, inBig]) await client.query(layoutNamed(layout).alter || 'select 1');
    const began = performance.now();
    await fill([inBig, helper], kind, rows);
    const fillSeconds = (performance.now() - began) / 1_000;
    log(`${layout}, ${kind}, ${String(rows)} rows: filled in ${fillSeconds.toFixed(0)} s`);
    const sizes = await readSizes(inBig);
    const costs = new Map(options.modes.map((mode) => [mode, noCosts()]));
    const run = async (state: State, mode: ClaimMode): Promise<void> => {
      const isEmpty = state === 'empty' || state === 'emptyAfterCheckpoint';
      const [product, client] = isEmpty ? [empty, inEmpty] : [big, inBig];
      if (isEmpty) await client.query('truncate holdfast.inbox_message');
      const stop = state === 'purging' ? product.startRetention() : undefined;
      const afterCheckpoint = state.endsWith('fterCheckpoint');
      const cost = await measureClaims(product, client, mode, kind, options.seconds, { afterCheckpoint });
      await stop?.();
      costs.get(mode)![state].push(cost);
      log(`  ${mode}, ${state}: ${describe(cost)}`);
    };
    // No checkpoint before the last of these: after the first one nothing would be as it is between two of them.
    for (const states of [
      ['empty', 'big', 'purging'],
      ['emptyAfterCheckpoint', 'afterCheckpoint'],
    ] as const)
      for (let round = 0; round < options.rounds; round++)
        for (const mode of options.modes) for (const state of states) await run(state, mode);
    const claims = [...costs].map(([mode, states]) => ({ mode, ...states }));
    const purge = await measurePurge(big, inBig);
    log(`  purge: ${purge.perSecond.toFixed(0)} rows/s`);
    return { layout, kind, rows, fillSeconds, ...sizes, claims, purge };
  } finally {
    await Promise.all([inEmpty, inBig, helper].map((client) => client.end()));
    await Promise.all([empty.close(), big.close()]);
  }
}

const noCosts = (): Record<State, ClaimCost[]> => ({
  empty: [],
  big: [],
  purging: [],
  emptyAfterCheckpoint: [],
  afterCheckpoint: [],
});

function describe({ micros, serverMicros, walBytes }: ClaimCost): string {
  return `${micros.toFixed(1)} µs, ${serverMicros?.toFixed(1) ?? '-'} of them CPU of the server, ${walBytes.toFixed(0)} bytes of log`;
}

/** The longest a purge is watched. */
const PURGE_SECONDS = 10;

async function measurePurge(product: Product, client: Client): Promise<PurgeCost> {
  await client.query('checkpoint');
  const before = product.forgotten();
  const began = performance.now();
  const due = async (): Promise<boolean> =>
    (
      await client.query(
        `select 1 from holdfast.inbox_message where received_at < now() - interval '${String(RETENTION_DAYS)} days' limit 1`,
      )
    ).rowCount === 1;
  const stop = product.startRetention();
  while (performance.now() - began < PURGE_SECONDS * 1_000 && (await due()))
    await new Promise((resolve) => setTimeout(resolve, 200));
  const ms = performance.now() - began;
  await stop();
  const rows = product.forgotten() - before;
  return { rows, perSecond: (rows / ms) * 1_000 };
}

async function readSizes(client: Client): Promise<Pick<InboxState, 'tableBytes' | 'indexBytes'>> {
  const { rows } = await client.query<{ name: string; bytes: string; table: boolean }>(
    `select relname as name, pg_relation_size(oid) as bytes, relkind = 'r' as table from pg_class
      where oid = 'holdfast.inbox_message'::regclass
         or oid in (select indexrelid from pg_index where indrelid = 'holdfast.inbox_message'::regclass)`,
  );
  return {
    tableBytes: Number(rows.find(({ table }) => table)!.bytes),
    indexBytes: Object.fromEntries(
      rows.filter(({ table }) => !table).map(({ name, bytes }) => [name, Number(bytes)]),
    ),
  };
}

async function withDatabases<T>(url: string, work: (empty: string, big: string) => Promise<T>): Promise<T> {
  const admin = new Client({ connectionString: url });
  await admin.connect();
  const base = new URL(url).pathname.slice(1) || 'postgres';
  const names = [`${base}_inbox_empty`, `${base}_inbox_big`];
  const settings = { max_wal_size: "'16GB'", checkpoint_timeout: "'30min'" };
  const drop = async (): Promise<void> => {
    for (const name of Object.keys(settings)) await admin.query(`alter system reset ${name}`);
    await admin.query('select pg_reload_conf()');
    for (const name of names) await admin.query(`drop database if exists "${name}" with (force)`);
  };
  try {
    await drop();
    // No checkpoint but those that are asked for.
    for (const [name, value] of Object.entries(settings))
      await admin.query(`alter system set ${name} = ${value}`);
    await admin.query('select pg_reload_conf()');
    for (const name of names) await admin.query(`create database "${name}"`);
    const [empty, big] = names.map((name) => Object.assign(new URL(url), { pathname: name }).href);
    return await work(empty!, big!);
  } finally {
    await drop();
    await admin.end();
  }
}

async function connectAll(...urls: readonly [string, string, string]): Promise<[Client, Client, Client]> {
  const clients = urls.map((connectionString) => new Client({ connectionString }));
  await Promise.all(clients.map((client) => client.connect()));
  return clients as [Client, Client, Client];
}
