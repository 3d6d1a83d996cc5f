import { readdir, readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { ClientBase } from 'pg';

/** The same from `src/database` and from `dist/database`. */
export const MIGRATIONS = resolve(__dirname, '../../migrations');

/** Any number will do, as long as every version of Holdfast uses the same one. */
const LOCK = 4_610_150_293;

export interface Migration {
  readonly name: string;
  readonly up: string;
  readonly down: string;
}

/** @throws Error when a migration lacks its way back. */
export async function readMigrations(folder = MIGRATIONS): Promise<Migration[]> {
  const files = (await readdir(folder)).filter((file) => /^\d{4}_[a-z0-9_]+\.sql$/.test(file)).sort();
  return Promise.all(
    files.map(async (file) => {
      const name = file.slice(0, -'.sql'.length);
      const [up, down] = await Promise.all([
        readFile(join(folder, file), 'utf8'),
        readFile(join(folder, `${name}.down.sql`), 'utf8'),
      ]);
      return { name, up, down };
    }),
  );
}

/**
 * Brings the schema up to date: one migrator at a time, each migration in a transaction of its own, and no waiting behind a
 * long transaction of the running version (lock_timeout), so that a rolling deploy never stands still.
 * @returns the names of what was applied.
 */
export async function migrateUp(client: ClientBase, migrations: readonly Migration[]): Promise<string[]> {
  const applied: string[] = [];
  for (const migration of migrations) {
    await inLockedTransaction(client, async () => {
      await client.query(
        'create schema if not exists holdfast; ' +
          'create table if not exists holdfast.migration (name text primary key, applied_at timestamptz not null default now())',
      );
      const known = await client.query('select 1 from holdfast.migration where name = $1', [migration.name]);
      if (known.rowCount) return;
      await client.query(migration.up);
      await client.query('insert into holdfast.migration (name) values ($1)', [migration.name]);
      applied.push(migration.name);
    });
  }
  return applied;
}

/** Takes the last `count` migrations back. Data in the tables they made is lost. */
export async function migrateDown(
  client: ClientBase,
  migrations: readonly Migration[],
  count: number,
): Promise<string[]> {
  const reverted: string[] = [];
  for (const migration of [...migrations].reverse()) {
    if (reverted.length === count) break;
    await inLockedTransaction(client, async () => {
      const known = await client.query('delete from holdfast.migration where name = $1', [migration.name]);
      if (!known.rowCount) return;
      await client.query(migration.down);
      reverted.push(migration.name);
    });
  }
  return reverted;
}

async function inLockedTransaction(client: ClientBase, work: () => Promise<void>): Promise<void> {
  await client.query('begin');
  try {
    await client.query('select pg_advisory_xact_lock($1)', [LOCK]);
    await client.query("set local lock_timeout = '2s'");
    await work();
    await client.query('commit');
  } catch (error) {
    await client.query('rollback').catch(() => undefined);
    throw error;
  }
}
