import { setTimeout as sleep } from 'node:timers/promises';
import type { Verdict } from '../report/journal';
import type { PostgresServer } from '../stage/postgres-server';
import type { QueueFigures } from '../stage/broker-server';

const isDeadLetters = (name: string): boolean => name.endsWith('.dlq');

/**
 * What has not changed for so long will not change any more. The longest delay is three seconds, but a copy whose work queue was away when it
 * was due is sent again by RabbitMQ after three minutes (at-least-once dead lettering).
 */
const STUCK_MS = 240_000;

interface Rest {
  readonly queues: readonly QueueFigures[];
  readonly outbox: number;
  readonly retrying: number;
}

export interface QuietParts {
  readonly queues: () => Promise<QueueFigures[]>;
  readonly database: PostgresServer;
}

/**
 * Waits until nothing is under way any more: no message ready, delivered or delayed, no row of the outbox, no row of the inbox that waits
 * for another try. Twice in a row, because the broker's figures are a second old.
 * @returns what is left when the time is up; empty when all is quiet.
 */
export async function untilQuiet({ queues, database }: QuietParts, withinMs: number): Promise<string[]> {
  const deadline = Date.now() + withinMs;
  let quiet = 0;
  let last = '';
  let changedAt = Date.now();
  for (;;) {
    const rest = await look(queues, database).catch((error: unknown) => String(error));
    const left = typeof rest === 'string' ? [rest] : describe(rest);
    quiet = left.length === 0 ? quiet + 1 : 0;
    if (quiet === 3) return [];
    const now = left.join();
    if (now !== last) changedAt = Date.now();
    last = now;
    if (Date.now() > Math.min(deadline, changedAt + STUCK_MS)) return left;
    await sleep(700);
  }
}

async function look(queues: () => Promise<QueueFigures[]>, database: PostgresServer): Promise<Rest> {
  const [rows] = await database.query<{ outbox: number; retrying: number }>(
    `select (select count(*)::int from holdfast.outbox_message) as outbox,
            (select count(*)::int from holdfast.inbox_message where state = 'retrying') as retrying`,
  );
  const all = await queues();
  return { queues: all, outbox: rows?.outbox ?? 0, retrying: rows?.retrying ?? 0 };
}

function describe({ queues, outbox, retrying }: Rest): string[] {
  const left = queues
    .filter(
      ({ name, ready, unacknowledged }) =>
        (isDeadLetters(name) ? unacknowledged : ready + unacknowledged) > 0,
    )
    .map(({ name, ready, unacknowledged }) => `${name}: ${ready} ready, ${unacknowledged} unacknowledged`);
  if (outbox > 0) left.push(`outbox: ${outbox} rows unpublished`);
  if (retrying > 0) left.push(`inbox: ${retrying} rows wait for a try that does not come`);
  return left;
}

/** In quiet, nothing may be held in the database: no open transaction, no lock that somebody waits for, no delivery that is suspected. */
export async function judgeDatabaseRest(database: PostgresServer): Promise<Verdict> {
  const violations: string[] = [];
  const sessions = await database.query<{ state: string; query: string; seconds: number }>(
    `select state, left(query, 120) as query, extract(epoch from clock_timestamp() - xact_start)::int as seconds
     from pg_stat_activity
     where usename = 'chaos' and (state like 'idle in transaction%' or wait_event_type = 'Lock')`,
  );
  for (const { state, query, seconds } of sessions) violations.push(`${state} for ${seconds} s: ${query}`);
  const suspects = await database.query<{ consumer: string; delivery_key: string }>(
    'select consumer, delivery_key from holdfast.suspect_delivery order by started_at limit 20',
  );
  for (const { consumer, delivery_key } of suspects)
    violations.push(`suspect_delivery: ${consumer} ${delivery_key} was never forgotten`);
  return {
    rule: 'no stuck row, no open transaction, no lock in quiet',
    passed: violations.length === 0,
    detail: `${sessions.length} sessions held something, ${suspects.length} rows of suspect deliveries`,
    violations,
  };
}
