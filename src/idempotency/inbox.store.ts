import { Injectable } from '@nestjs/common';
import type { QueryConfig } from 'pg';
import { classifySqlError, Database, Gatherer, type HandlerTransaction } from '../database/database.module';
import type { InboxClaimRow, InboxKey, InboxState } from './claim';

/** An attempt in the history of a message. */
export interface HistoryEntry {
  readonly at: string;
  readonly attempt: number;
  readonly outcome: string;
  readonly reason: string;
  readonly error: string | null;
  readonly handler: string | null;
}

export interface InboxRow {
  readonly consumer: string;
  readonly transactionId: string;
  readonly state: InboxState;
  readonly failedAttempts: number;
  readonly dueAt: Date | null;
  readonly copyConfirmed: boolean;
  readonly reason: string | null;
  readonly history: readonly HistoryEntry[];
  readonly receivedAt: Date;
  readonly updatedAt: Date;
}

/** A copy about to be published, and why. */
export interface CopyRecord {
  readonly state: 'retrying' | 'dead';
  readonly token: string;
  readonly failedAttempts: number;
  readonly delayMs: number | undefined;
  readonly reason: string;
  readonly error: string | undefined;
  readonly handler: string | undefined;
}

interface Recorded {
  readonly key: InboxKey;
  readonly copy: CopyRecord;
}

interface Confirmed {
  readonly key: InboxKey;
  readonly token: string;
}

/** Two at once leave the other connections of the pool to pauses, probes and leases. */
const MANY = { most: 200, atOnce: 2, identityOf, isOfOneItem: isOneRowsDoing };

const HASH_BYTES = 16;

const CLAIM = `insert into holdfast.inbox_message (consumer, transaction_id, state, body_hash)
values ($1, $2, 'completed', $3)
on conflict do nothing`;

const CLAIM_COPY = `insert into holdfast.inbox_message as m (consumer, transaction_id, state, body_hash)
values ($1, $2, 'completed', $3)
on conflict (consumer, transaction_id) do update
   set state = 'completed', copy_token = null, copy_confirmed = false, due_at = null, reason = null,
       updated_at = now(), version = m.version + 1
 where m.copy_token = $4 and (m.state <> 'running' or m.due_at <= clock_timestamp())`;

/** In the order of the key, so that two groups with the same messages wait for each other and never both. */
const CLAIM_GROUP = `insert into holdfast.inbox_message (consumer, transaction_id, state, body_hash)
select $1, t.id, 'completed', substr($3::bytea, (t.place::int - 1) * ${HASH_BYTES} + 1, ${HASH_BYTES})
  from unnest($2::text[]) with ordinality as t (id, place)
on conflict do nothing`;

/**
 * What came as a copy owns its row already; those whose row was forgotten are inserted with the others. Without a name: a plan that was
 * kept from when the table was small would read the whole of it ever after.
 */
const CLAIM_GROUP_COPIES = `update holdfast.inbox_message m
   set state = 'completed', copy_token = null, copy_confirmed = false, due_at = null, reason = null,
       updated_at = now(), version = m.version + 1
  from unnest($2::text[], $3::uuid[]) as t (id, token)
 where m.consumer = $1 and m.transaction_id = t.id and m.copy_token = t.token
   and (m.state <> 'running' or m.due_at <= clock_timestamp())`;

/** Of what this very transaction has inserted: as if it had been rolled back. */
const GIVE_BACK_GROUP = `delete from holdfast.inbox_message where consumer = $1 and transaction_id = any ($2)`;

/** What the row said of the earlier try is overwritten; with its token, the copy that was claimed owns it as before. */
const GIVE_BACK_GROUP_COPIES = `update holdfast.inbox_message m
   set state = 'retrying', copy_token = t.token, copy_confirmed = true, due_at = now(), updated_at = now(), version = m.version + 1
  from unnest($2::text[], $3::uuid[]) as t (id, token)
 where m.consumer = $1 and m.transaction_id = t.id`;

/** The rows that this very transaction has written are its own. */
const READ_CLAIMS = `select transaction_id, xmin = pg_current_xact_id()::xid as mine,
       state, body_hash, failed_attempts, copy_token, copy_confirmed, reason,
       extract(epoch from due_at - clock_timestamp())::float8 * 1000 as due_in_ms
  from holdfast.inbox_message
 where consumer = $1 and transaction_id = any ($2)`;

const READ_CLAIM = `select state, body_hash, failed_attempts, copy_token, copy_confirmed, reason,
       extract(epoch from due_at - clock_timestamp())::float8 * 1000 as due_in_ms
  from holdfast.inbox_message
 where consumer = $1 and transaction_id = $2`;

/**
 * For the statement it stands in: a twin may hold the row for as long as its handler runs, and a connection that waited for it would be
 * missing to everybody else. Not a setting of the connection, which PgBouncer refuses.
 */
const SOON = "set_config('lock_timeout', '2s', true)";

/** Where many rows are written at once, everybody waits for one that is held: it is tried again by itself. */
const SOONER = "set_config('lock_timeout', '250ms', true)";

/**
 * Only over rows that these very deliveries own ($11 their tokens, each of one message), that an earlier try of this statement wrote, or that
 * nobody runs any more. Neither this nor the next has a name: a plan that was kept from when the table was small would read the whole of it.
 */
const RECORD_COPIES = `insert into holdfast.inbox_message as m
  (consumer, transaction_id, state, body_hash, failed_attempts, copy_token, due_at, reason, history)
select c.consumer, c.transaction_id, c.state, c.body_hash, c.failed_attempts, c.token,
       clock_timestamp() + c.delay_ms * interval '1 millisecond', c.reason,
       jsonb_build_array(jsonb_build_object('at', clock_timestamp(), 'attempt', c.failed_attempts, 'outcome', c.state, 'reason', c.reason,
         'error', c.error, 'handler', c.handler))
  from unnest($1::text[], $2::text[], $3::text[], $4::bytea[], $5::int[], $6::uuid[], $7::float8[], $8::text[], $9::text[], $10::text[])
    as c (consumer, transaction_id, state, body_hash, failed_attempts, token, delay_ms, reason, error, handler), ${SOONER}
on conflict (consumer, transaction_id) do update
   set state = excluded.state, failed_attempts = excluded.failed_attempts, copy_token = excluded.copy_token,
       copy_confirmed = false, due_at = excluded.due_at, reason = excluded.reason, updated_at = now(), version = m.version + 1,
       history = case when m.copy_token = excluded.copy_token then m.history
                      when jsonb_array_length(m.history) >= 100 then (m.history - 0) || excluded.history
                      else coalesce(m.history, '[]'::jsonb) || excluded.history end
 where m.copy_token = excluded.copy_token or m.copy_token = any ($11::uuid[])
    or (m.state = 'running' and m.due_at <= clock_timestamp())
returning copy_token`;

const CONFIRM_COPIES = `update holdfast.inbox_message m set copy_confirmed = true, updated_at = now()
  from unnest($1::text[], $2::text[], $3::uuid[]) as c (consumer, transaction_id, token), ${SOONER}
 where m.consumer = c.consumer and m.transaction_id = c.transaction_id and m.copy_token = c.token`;

const FORGET = `delete from holdfast.inbox_message
 using ${SOON}
 where consumer = $1 and transaction_id = $2 and copy_token = $3`;

const RECORD_DISCARD = `insert into holdfast.inbox_message as m (consumer, transaction_id, state, body_hash, reason)
select $1::text, $2::text, 'discarded', $3::bytea, $4::text from ${SOON}
on conflict (consumer, transaction_id) do update
   set state = 'discarded', copy_token = null, copy_confirmed = false, due_at = null, reason = excluded.reason,
       updated_at = now(), version = m.version + 1
 where m.copy_token = $5::uuid or (m.state = 'running' and m.due_at <= clock_timestamp())`;

/** Consumers are few: they are found by skipping through the key, so that no second index is paid for on the message path. */
const FIND = `with recursive consumers (consumer) as (
  (select consumer from holdfast.inbox_message order by consumer limit 1)
  union all
  select (select m.consumer from holdfast.inbox_message m where m.consumer > c.consumer order by m.consumer limit 1)
    from consumers c where c.consumer is not null)
select m.consumer, m.transaction_id as "transactionId", m.state, m.failed_attempts as "failedAttempts", m.due_at as "dueAt",
       m.copy_confirmed as "copyConfirmed", m.reason, coalesce(m.history, '[]'::jsonb) as history,
       m.received_at as "receivedAt", m.updated_at as "updatedAt"
  from consumers c join holdfast.inbox_message m on m.consumer = c.consumer and m.transaction_id = $1
 order by m.received_at`;

/** All SQL on the inbox but that of the retention. */
@Injectable()
export class InboxStore {
  private readonly records: Gatherer<Recorded, boolean>;
  private readonly confirmations: Gatherer<Confirmed, undefined>;

  constructor(private readonly database: Database) {
    this.records = new Gatherer<Recorded, boolean>((copies) => this.recordCopies(copies), MANY);
    this.confirmations = new Gatherer<Confirmed, undefined>((copies) => this.confirmCopies(copies), MANY);
  }

  /** Begins the transaction and takes the row in one round trip. @returns false when the row is taken. */
  async beginWithClaim(transaction: HandlerTransaction, key: InboxKey): Promise<boolean> {
    const values: unknown[] = [key.consumer, key.transactionId, key.bodyHash];
    const statement =
      key.copyToken === undefined
        ? { name: 'holdfast_claim', text: CLAIM, values }
        : { name: 'holdfast_claim_copy', text: CLAIM_COPY, values: [...values, key.copyToken] };
    const [claimed] = await transaction.begin(this.database.lockTimeoutMs, statement);
    return claimed?.rowCount === 1;
  }

  /**
   * Begins the transaction and takes the rows of a group of one consumer, each id once, in one round trip.
   * @returns how many could be taken.
   */
  async beginWithClaims(
    transaction: HandlerTransaction,
    lockTimeoutMs: number,
    keys: readonly InboxKey[],
  ): Promise<number> {
    const inOrder = [...keys].sort((a, b) => (a.transactionId < b.transactionId ? -1 : 1));
    const copies = inOrder.filter(({ copyToken }) => copyToken !== undefined);
    const consumer = keys[0]?.consumer;
    const claim: QueryConfig = {
      name: 'holdfast_claim_group',
      text: CLAIM_GROUP,
      values: [consumer, idsOf(inOrder), Buffer.concat(inOrder.map(({ bodyHash }) => bodyHash))],
    };
    const statements = [claim];
    if (copies.length > 0) {
      const tokens = copies.map(({ copyToken }) => copyToken);
      const values = [consumer, idsOf(copies), tokens];
      statements.unshift({ text: CLAIM_GROUP_COPIES, values });
    }
    const results = await transaction.begin(lockTimeoutMs, ...statements);
    return results.reduce((taken, { rowCount }) => taken + (rowCount ?? 0), 0);
  }

  /** Lets go of rows that this transaction has taken: when it commits, they are to their messages what a rollback would have left. */
  async giveBackClaims(transaction: HandlerTransaction, keys: readonly InboxKey[]): Promise<void> {
    const consumer = keys[0]?.consumer;
    const inserted = keys.filter(({ copyToken }) => copyToken === undefined);
    const copies = keys.filter(({ copyToken }) => copyToken !== undefined);
    const statements: QueryConfig[] = [];
    if (inserted.length > 0) statements.push({ text: GIVE_BACK_GROUP, values: [consumer, idsOf(inserted)] });
    if (copies.length > 0) {
      const tokens = copies.map(({ copyToken }) => copyToken);
      statements.push({ text: GIVE_BACK_GROUP_COPIES, values: [consumer, idsOf(copies), tokens] });
    }
    await Promise.all(statements.map((statement) => transaction.query(statement)));
  }

  /** What the transaction of a group finds in the rows of its messages, by transaction id; `mine` are those it has taken. */
  async readClaims(
    transaction: HandlerTransaction,
    keys: readonly InboxKey[],
  ): Promise<ReadonlyMap<string, InboxClaimRow & { readonly mine: boolean }>> {
    const { rows } = await transaction.query({ text: READ_CLAIMS, values: [keys[0]?.consumer, idsOf(keys)] });
    return new Map(
      (rows as unknown as (InboxClaimRow & { transaction_id: string; mine: boolean })[]).map((row) => [
        row.transaction_id,
        row,
      ]),
    );
  }

  /** Takes the row of a run whose lease has ended; `token` names that run. @returns false when somebody else was faster. */
  async takeOver(transaction: HandlerTransaction, key: InboxKey, token: string | null): Promise<boolean> {
    const values = [key.consumer, key.transactionId, key.bodyHash, token];
    return (await transaction.query({ text: CLAIM_COPY, values })).rowCount === 1;
  }

  /** Begins a transaction without the inbox. */
  async begin(transaction: HandlerTransaction): Promise<void> {
    await transaction.begin(this.database.lockTimeoutMs);
  }

  async readClaim(transaction: HandlerTransaction, key: InboxKey): Promise<InboxClaimRow | undefined> {
    const { rows } = await transaction.query({ text: READ_CLAIM, values: [key.consumer, key.transactionId] });
    return rows[0] as InboxClaimRow | undefined;
  }

  /** As `readClaim`, outside a transaction. */
  async peek(key: InboxKey): Promise<InboxClaimRow | undefined> {
    const { rows } = await this.database.query<InboxClaimRow>(READ_CLAIM, [key.consumer, key.transactionId]);
    return rows[0];
  }

  /** @returns false when the row is no longer this delivery's to write. */
  recordCopy(key: InboxKey, copy: CopyRecord): Promise<boolean> {
    return this.records.add({ key, copy });
  }

  async confirmCopy(key: InboxKey, token: string): Promise<void> {
    await this.confirmations.add({ key, token });
  }

  /** Forgets a copy that could not be made, so that the message itself owns what comes of it. */
  async forget(key: InboxKey): Promise<void> {
    await this.database.query(FORGET, [key.consumer, key.transactionId, key.copyToken ?? null]);
  }

  async recordDiscard(key: InboxKey, reason: string): Promise<void> {
    const values = [key.consumer, key.transactionId, key.bodyHash, storable(reason), key.copyToken ?? null];
    await this.database.query(RECORD_DISCARD, values);
  }

  /** What every consumer knows about a message. */
  async findByTransactionId(transactionId: string): Promise<InboxRow[]> {
    return (await this.database.query<InboxRow>(FIND, [transactionId])).rows;
  }

  private async recordCopies(copies: readonly Recorded[]): Promise<boolean[]> {
    const inOrder = sorted(copies);
    const column = (of: (one: Recorded) => unknown): unknown[] => inOrder.map(of);
    const { rows } = await this.database.query<{ copy_token: string }>(RECORD_COPIES, [
      column(({ key }) => key.consumer),
      column(({ key }) => key.transactionId),
      column(({ copy }) => copy.state),
      column(({ key }) => key.bodyHash),
      column(({ copy }) => copy.failedAttempts),
      column(({ copy }) => copy.token),
      column(({ copy }) => copy.delayMs ?? null),
      column(({ copy }) => storable(copy.reason)),
      column(({ copy }) => (copy.error === undefined ? null : storable(copy.error))),
      column(({ copy }) => copy.handler ?? null),
      inOrder.flatMap(({ key }) => key.copyToken ?? []),
    ]);
    const written = new Set(rows.map(({ copy_token: token }) => token));
    return copies.map(({ copy }) => written.has(copy.token));
  }

  private async confirmCopies(copies: readonly Confirmed[]): Promise<undefined[]> {
    const inOrder = sorted(copies);
    await this.database.query(CONFIRM_COPIES, [
      inOrder.map(({ key }) => key.consumer),
      inOrder.map(({ key }) => key.transactionId),
      inOrder.map(({ token }) => token),
    ]);
    return copies.map(() => undefined);
  }
}

/** Text that Postgres refuses, or a row that somebody holds. */
function isOneRowsDoing(error: unknown): boolean {
  const failure = classifySqlError(error);
  return failure !== undefined && failure !== 'infrastructure';
}

/** Two statements with the same rows wait for each other, and never both. */
function sorted<Row extends { readonly key: InboxKey }>(rows: readonly Row[]): readonly Row[] {
  return [...rows].sort((a, b) => (identityOf(a) < identityOf(b) ? -1 : 1));
}

function identityOf({ key }: { readonly key: InboxKey }): string {
  return `${key.transactionId}\0${key.consumer}`;
}

function idsOf(keys: readonly InboxKey[]): string[] {
  return keys.map(({ transactionId }) => transactionId);
}

/** Postgres text and jsonb take neither NUL nor half a surrogate pair. */
function storable(text: string): string {
  return text.replaceAll('\0', '\uFFFD').toWellFormed();
}
