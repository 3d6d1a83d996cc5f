import { Injectable } from '@nestjs/common';
import { Database } from '../database/database.module';
import type { OutboxRow } from './outbox-write.store';
import { fromStored, type ReadForm } from './stored-form';

/** How much a sweep takes at once. */
export interface Page {
  readonly rows: number;
  /** Of bodies together; one that is larger comes alone. */
  readonly bytes: number;
  /** How long no other replica takes these rows. */
  readonly leaseMs: number;
}

/** Where a pass over the due rows has come to. Dead rows before it are not read again for each page. */
export interface Cursor {
  /** Microseconds since 1970. */
  readonly dueAt: string;
  readonly sequence: string;
}

export const START: Cursor = { dueAt: '0', sequence: '0' };

export interface Claimed {
  /** In the order to publish them; those of one handled message are one bundle. */
  readonly bundles: readonly (readonly OutboxRow[])[];
  readonly cursor: Cursor;
}

export interface Failure {
  readonly sequence: string;
  readonly error: unknown;
}

interface ClaimedRow extends ReadForm {
  readonly sequence: string;
  readonly bundle: string | null;
  readonly body: Buffer;
  /** Of what the page was found by; null of what follows it. */
  readonly due_at: string | null;
}

/**
 * Takes heads, that is rows with no earlier one of their bundle, and with each head what follows it: whoever has the head has the bundle, and
 * nobody else takes a part of it meanwhile. Pushing the next try away is the claim: a dead replica's rows come back. Cut off where the page
 * is full, a bundle keeps a beginning.
 */
const CLAIM = `with due as materialized (
    select sequence, bundle, next_try_at, octet_length(body) as size from holdfast.outbox_message m
     where next_try_at <= now() and (next_try_at, sequence) > (timestamptz 'epoch' + $1::float8 * interval '1 microsecond', $2::bigint)
       and (bundle is null or not exists
            (select from holdfast.outbox_message e where e.bundle = m.bundle and e.sequence < m.sequence))
     order by next_try_at, sequence limit $3 for update skip locked),
  found as (
    select sequence, null::uuid as bundle, next_try_at, size from due
    union all
    (select f.sequence, f.bundle, null, octet_length(f.body) from holdfast.outbox_message f
       join due on f.bundle = due.bundle and f.sequence > due.sequence
      order by f.bundle, f.sequence limit $3)),
  page as (
    select sequence, next_try_at, row_number() over way as place, sum(size) over way as total from found
    window way as (order by bundle nulls first, next_try_at, sequence rows unbounded preceding))
update holdfast.outbox_message o set next_try_at = now() + $5 * interval '1 millisecond'
  from page
 where o.sequence = page.sequence and page.place <= $3 and (page.place = 1 or page.total <= $4)
returning o.sequence, o.bundle, o.message_id, o.exchange, o.routing_key, o.body, o.properties, o.headers, o.exact,
          (extract(epoch from page.next_try_at) * 1000000)::bigint as due_at`;

const DELETE = 'delete from holdfast.outbox_message where sequence = any ($1::bigint[])';

/** The wait doubles from 1 s to 5 min; what follows in the bundle waits as long, or every sweep would look at it. */
const FAILED = `with failed as (
    update holdfast.outbox_message o
       set attempts = attempts + 1, last_error = f.error,
           next_try_at = now() + least(300, power(2, least(attempts, 9))) * interval '1 second'
      from unnest($1::bigint[], $2::text[]) as f (sequence, error)
     where o.sequence = f.sequence
    returning o.sequence, o.bundle, o.next_try_at)
update holdfast.outbox_message o set next_try_at = failed.next_try_at
  from failed where o.bundle = failed.bundle and o.sequence > failed.sequence`;

/** By the order of writing, along the primary key: the smallest time would be looked for in every row. */
const OLDEST = `select extract(epoch from created_at)::float8 as oldest
  from holdfast.outbox_message order by sequence limit 1`;

/** All SQL on the outbox, but for writing to it. */
@Injectable()
export class OutboxStore {
  constructor(private readonly database: Database) {}

  /** Takes due rows, the longest due first; undefined when there are none behind the cursor. */
  async claimDue(
    { dueAt, sequence }: Cursor,
    { rows: limit, bytes, leaseMs }: Page,
  ): Promise<Claimed | undefined> {
    const { rows } = await this.database.query<ClaimedRow>(CLAIM, [dueAt, sequence, limit, bytes, leaseMs]);
    if (rows.length === 0) return undefined;
    rows.sort((a, b) => (BigInt(a.sequence) < BigInt(b.sequence) ? -1 : 1));
    return { bundles: bundled(rows), cursor: lastOf(rows) };
  }

  async delete(sequences: readonly string[]): Promise<void> {
    await this.database.query(DELETE, [sequences]);
  }

  async recordFailures(failures: readonly Failure[]): Promise<void> {
    await this.database.query(FAILED, [
      failures.map(({ sequence }) => sequence),
      failures.map(({ error }) => readable(error)),
    ]);
  }

  /** Seconds since 1970 of the oldest unpublished message; undefined when there is none. */
  async oldest(): Promise<number | undefined> {
    const { rows } = await this.database.query<{ oldest: number }>(OLDEST);
    return rows[0]?.oldest;
  }
}

function bundled(rows: readonly ClaimedRow[]): OutboxRow[][] {
  const bundles = new Map<string, OutboxRow[]>();
  for (const row of rows) {
    const { sequence, bundle, body } = row;
    const one: OutboxRow = { sequence, publication: { ...fromStored(row), body } };
    const key = bundle ?? sequence;
    const same = bundles.get(key);
    if (same) same.push(one);
    else bundles.set(key, [one]);
  }
  return [...bundles.values()];
}

function lastOf(rows: readonly ClaimedRow[]): Cursor {
  let last = START;
  for (const { due_at: dueAt, sequence } of rows)
    if (dueAt !== null && isBehind({ dueAt, sequence }, last)) last = { dueAt, sequence };
  return last;
}

function isBehind(one: Cursor, other: Cursor): boolean {
  const [due, otherDue] = [BigInt(one.dueAt), BigInt(other.dueAt)];
  return due > otherDue || (due === otherDue && BigInt(one.sequence) > BigInt(other.sequence));
}

/** Whatever it says: an error that cannot be stored would fail to be recorded. */
function readable(error: unknown): string {
  return String(error).slice(0, 1_000).replaceAll('\0', '\ufffd').toWellFormed();
}
