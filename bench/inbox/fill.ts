import type { Client } from 'pg';
import { ID_SQL, type IdKind } from './ids';

/** Queues whose messages the inbox remembers. */
export const CONSUMERS = 4;
/** Days of receipt in the table; what is older than the retention is due to be forgotten: one day's rows. */
export const DAYS = 15;
export const RETENTION_DAYS = 14;
/** This part of the table is of a second generation: rows in the space of rows that were forgotten before. */
const RECYCLED = 0.2;

/** The pages of a key that has grown by random inserts are about this full, not 90 % as right after it was built. */
const GROWN_FILLFACTOR: Readonly<Record<IdKind, number>> = { v4: 70, v7: 90 };

/**
 * Fills the empty inbox with rows as a service that has run for longer than its retention leaves them: the oldest rows have been
 * forgotten and vacuumed away, and the newest ones lie in their space, so that the order on disk is not the order of receipt. The
 * indexes other than BRIN (whose ranges must see both generations) are taken off for it and built afterwards; the table is logged all
 * along.
 */
export async function fill(clients: readonly Client[], kind: IdKind, rows: number): Promise<void> {
  const [client] = clients as readonly [Client];
  const recycled = Math.round(rows * RECYCLED);
  const restore = await dropIndexes(client, kind);
  await client.query('alter table holdfast.inbox_message set (autovacuum_enabled = off)');
  await insert(clients, kind, rows, -recycled, rows - recycled);
  // The first time BRIN learns what is where.
  await client.query('vacuum holdfast.inbox_message');
  await client.query(
    `delete from holdfast.inbox_message where received_at < now() - interval '${String(DAYS)} days'`,
  );
  await client.query('vacuum holdfast.inbox_message');
  await insert(clients, kind, rows, rows - recycled, rows);
  await client.query("checkpoint; set maintenance_work_mem = '1GB'");
  for (const statement of restore) await client.query(statement);
  await client.query('alter table holdfast.inbox_message reset (autovacuum_enabled)');
  await client.query('vacuum (analyze) holdfast.inbox_message');
  // The sweep has come to where something is due: what it costs on its way there is less.
  await client.query(
    `update holdfast.inbox_sweep set next_block =
       (select (ctid::text::point)[0]::bigint from holdfast.inbox_message order by received_at limit 1)`,
  );
}

/** Rows `from` to `to` of a time line on which row 0 was received DAYS ago and row `rows` now. */
async function insert(
  clients: readonly Client[],
  kind: IdKind,
  rows: number,
  from: number,
  to: number,
): Promise<void> {
  await Promise.all(
    clients.map((client, lane) =>
      client.query(
        `insert into holdfast.inbox_message (consumer, transaction_id, state, body_hash, received_at, updated_at)
         select 'orders.' || (i % ${String(CONSUMERS)}), ${ID_SQL[kind]}, 'completed', '\\x000102030405060708090a0b0c0d0e0f', at, at
           from generate_series(${String(from + lane)}, ${String(to - 1)}, ${String(clients.length)}) i,
                lateral (select now() - interval '${String(DAYS)} days' * (1 - i::float8 / ${String(rows)}) as at) timed`,
      ),
    ),
  );
}

/** @returns the statements that bring the indexes back. */
async function dropIndexes(client: Client, kind: IdKind): Promise<string[]> {
  const { rows } = await client.query<{ name: string; definition: string; primary: boolean; brin: boolean }>(
    `select c.relname as name, pg_get_indexdef(i.indexrelid) as definition, i.indisprimary as primary, a.amname = 'brin' as brin
       from pg_index i join pg_class c on c.oid = i.indexrelid join pg_am a on a.oid = c.relam
      where i.indrelid = 'holdfast.inbox_message'::regclass`,
  );
  const restore: string[] = [];
  for (const { name, definition, primary, brin } of rows) {
    if (brin) continue;
    const full = `holdfast.${name}`;
    if (primary) await client.query(`alter table holdfast.inbox_message drop constraint ${name}`);
    else await client.query(`drop index ${full}`);
    if (!primary) {
      restore.push(definition);
      continue;
    }
    restore.push(
      `${definition} with (fillfactor = ${String(GROWN_FILLFACTOR[kind])})`,
      `alter table holdfast.inbox_message add constraint ${name} primary key using index ${name}`,
      `alter index ${full} reset (fillfactor)`,
    );
  }
  return restore;
}
