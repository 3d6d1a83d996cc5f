import { Injectable } from '@nestjs/common';
import { InjectConfig, type IdempotencyConfig } from '../config/config.module';
import { Database } from '../database/database.module';
import type { InboxClaimRow, InboxKey } from './claim';
import type { Lease } from './lease';

/** A row as it was found; `version` says which one, for whoever wants to write it. */
export interface FoundRow extends InboxClaimRow {
  readonly version: number;
}

export interface Claim {
  readonly key: InboxKey;
  readonly token: string;
}

export interface TakeOver extends Claim {
  /** Of the row as it was found. */
  readonly version: number;
}

type Kept = Pick<Lease, 'key' | 'token' | 'version'>;

/** For the statement it stands in: rows of this mode are held no longer than a statement takes, but a transactional twin may hold one. */
const SOON = "set_config('lock_timeout', '1s', true)";

const CLAIM = `insert into holdfast.inbox_message (consumer, transaction_id, state, body_hash, copy_token, due_at)
select w.consumer, w.transaction_id, 'running', w.body_hash, w.token, clock_timestamp() + $5::float8 * interval '1 millisecond'
  from unnest($1::text[], $2::text[], $3::bytea[], $4::uuid[]) as w (consumer, transaction_id, body_hash, token), ${SOON}
on conflict do nothing`;

const LOOK = `select w.n::int as n, m.state, m.body_hash, m.failed_attempts, m.copy_token, m.copy_confirmed, m.reason, m.version,
       extract(epoch from m.due_at - clock_timestamp())::float8 * 1000 as due_in_ms
  from unnest($1::text[], $2::text[]) with ordinality as w (consumer, transaction_id, n)
  join holdfast.inbox_message m on m.consumer = w.consumer and m.transaction_id = w.transaction_id`;

/** The version says that nothing was written since the row was found, the due time that no heartbeat has come meanwhile. */
const TAKE_OVER = `update holdfast.inbox_message m
   set state = 'running', copy_token = w.token, copy_confirmed = false, reason = null, updated_at = now(), version = m.version + 1,
       due_at = clock_timestamp() + $5::float8 * interval '1 millisecond'
  from unnest($1::text[], $2::text[], $3::uuid[], $4::int[]) as w (consumer, transaction_id, token, version), ${SOON}
 where m.consumer = w.consumer and m.transaction_id = w.transaction_id and m.version = w.version
   and (m.state <> 'running' or m.due_at <= clock_timestamp())
returning m.copy_token as token`;

/** Leaves the version as it was claimed: a completed row with that version was completed by this very claim. */
const COMPLETE = `update holdfast.inbox_message m
   set state = 'completed', copy_token = null, copy_confirmed = false, due_at = null, updated_at = now()
  from unnest($1::text[], $2::text[], $3::uuid[], $4::int[]) as w (consumer, transaction_id, token, version), ${SOON}
 where m.consumer = w.consumer and m.transaction_id = w.transaction_id and m.version = w.version and m.copy_token = w.token`;

const RENEW = `update holdfast.inbox_message m
   set due_at = clock_timestamp() + $4::float8 * interval '1 millisecond'
  from unnest($1::text[], $2::text[], $3::uuid[]) as w (consumer, transaction_id, token), ${SOON}
 where m.consumer = w.consumer and m.transaction_id = w.transaction_id and m.copy_token = w.token and m.state = 'running'
returning m.copy_token as token`;

/** A lease of no length: whoever comes next takes it over. */
const GIVE_BACK = `update holdfast.inbox_message set due_at = clock_timestamp()
  from ${SOON}
 where consumer = $1 and transaction_id = $2 and copy_token = $3 and state = 'running'`;

/**
 * All SQL on leases. Every statement takes many rows, in the order of their keys, so that two of them seldom wait for each other. None has
 * a name: a plan that was kept from when the table was small reads the whole of it ever after, for every hundred messages.
 */
@Injectable()
export class LeaseStore {
  constructor(
    private readonly database: Database,
    @InjectConfig('idempotency') private readonly config: IdempotencyConfig,
  ) {}

  /** @returns for each claim: true when it was made; otherwise the row that is in its way, undefined when that has gone again. */
  async claim(claims: readonly Claim[]): Promise<(true | FoundRow | undefined)[]> {
    const sorted = inOrder(claims);
    const { rowCount } = await this.database.query(CLAIM, [
      ...keysOf(sorted),
      bytesOf(sorted),
      tokensOf(sorted),
      this.config.leaseMs,
    ]);
    if (rowCount === claims.length) return claims.map(() => true);
    const rows = await this.look(claims);
    return rows.map((row, i) => (row?.copy_token === claims[i]?.token ? true : row));
  }

  async look(wanted: readonly Pick<Claim, 'key'>[]): Promise<(FoundRow | undefined)[]> {
    const { rows } = await this.database.query<FoundRow & { n: number }>(LOOK, keysOf(wanted));
    const found = new Array<FoundRow | undefined>(wanted.length).fill(undefined);
    for (const row of rows) found[row.n - 1] = row;
    return found;
  }

  /** @returns for each whether it has the row now. */
  async takeOver(wanted: readonly TakeOver[]): Promise<boolean[]> {
    const sorted = inOrder(wanted);
    const { rows } = await this.database.query<{ token: string }>(TAKE_OVER, [
      ...keysOf(sorted),
      ...proofsOf(sorted),
      this.config.leaseMs,
    ]);
    const taken = new Set(rows.map(({ token }) => token));
    return wanted.map(({ token }) => taken.has(token));
  }

  /** @returns for each lease: true when it is completed; otherwise the row as another one has made it, undefined when it has gone. */
  async complete(leases: readonly Kept[]): Promise<(true | FoundRow | undefined)[]> {
    const sorted = inOrder(leases);
    const { rowCount } = await this.database.query(COMPLETE, [...keysOf(sorted), ...proofsOf(sorted)]);
    if (rowCount === leases.length) return leases.map(() => true);
    const rows = await this.look(leases);
    return rows.map((row, i) =>
      row?.state === 'completed' && row.version === leases[i]?.version ? true : row,
    );
  }

  /** @returns the tokens of the leases that go on. */
  async renew(leases: readonly Kept[]): Promise<ReadonlySet<string>> {
    const sorted = inOrder(leases);
    const { rows } = await this.database.query<{ token: string }>(RENEW, [
      ...keysOf(sorted),
      tokensOf(sorted),
      this.config.leaseMs,
    ]);
    return new Set(rows.map(({ token }) => token));
  }

  async giveBack({ key, token }: Kept): Promise<void> {
    await this.database.query(GIVE_BACK, [key.consumer, key.transactionId, token]);
  }
}

function inOrder<Row extends Pick<Claim, 'key'>>(rows: readonly Row[]): readonly Row[] {
  return [...rows].sort(
    ({ key: a }, { key: b }) => compare(a.transactionId, b.transactionId) || compare(a.consumer, b.consumer),
  );
}

function compare(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

function keysOf(rows: readonly Pick<Claim, 'key'>[]): [string[], string[]] {
  return [rows.map(({ key }) => key.consumer), rows.map(({ key }) => key.transactionId)];
}

function proofsOf(rows: readonly { token: string; version: number }[]): [string, string] {
  return [tokensOf(rows), `{${rows.map(({ version }) => version).join(',')}}`];
}

/* Arrays as Postgres reads them: what needs no quotes is joined here in a tenth of the time the driver takes to look for what does. */

function tokensOf(rows: readonly { token: string }[]): string {
  return `{${rows.map(({ token }) => token).join(',')}}`;
}

function bytesOf(rows: readonly Claim[]): string {
  return `{${rows.map(({ key }) => `"\\\\x${key.bodyHash.toString('hex')}"`).join(',')}}`;
}
