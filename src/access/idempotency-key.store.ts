import { Injectable } from '@nestjs/common';
import { Database } from '../database/database.module';
import { databaseUnavailable } from './database-away';

/** How long an answer is kept, and how long a request may run before a repetition may take over from a dead process. */
const KEPT = `interval '1 day'`;
const ABANDONED = `interval '1 minute'`;

/** One statement decides: two requests with one key at once cannot both get a row back. */
const CLAIM = `
  insert into holdfast.idempotent_request as known (key_name, key, request_hash, created_at)
  values ($1, $2, $3, now())
  on conflict (key_name, key) do update
    set request_hash = excluded.request_hash, status = null, body = null, created_at = excluded.created_at
    where known.created_at < now() - ${KEPT}
       or (known.status is null and known.request_hash = excluded.request_hash
           and known.created_at < now() - ${ABANDONED})
  returning created_at::text as claim`;
const FIND = `
  select request_hash, status, body from holdfast.idempotent_request where key_name = $1 and key = $2`;
const COMPLETE = `
  update holdfast.idempotent_request set status = $4, body = $5::jsonb
  where key_name = $1 and key = $2 and created_at = $3::timestamptz and status is null`;
const RELEASE = `
  delete from holdfast.idempotent_request
  where key_name = $1 and key = $2 and created_at = $3::timestamptz and status is null`;
const PURGE = `
  delete from holdfast.idempotent_request where ctid in
    (select ctid from holdfast.idempotent_request where created_at < now() - ${KEPT} limit 1000)`;

/** A request that has this key for itself until it completes or releases it. */
export interface Claimed {
  readonly kind: 'claimed';
  readonly keyName: string;
  readonly key: string;
  /** Fences off a request that was taken for dead: it can no longer complete or release. */
  readonly claim: string;
}

export type KeyState =
  | Claimed
  | { readonly kind: 'running' }
  | { readonly kind: 'other-request' }
  | { readonly kind: 'completed'; readonly status: number; readonly body: unknown };

interface Row {
  readonly request_hash: Buffer;
  readonly status: number | null;
  readonly body: unknown;
}

/** The requests with an Idempotency-Key of the last day and their answers. */
@Injectable()
export class IdempotentRequests {
  constructor(private readonly database: Database) {}

  async claim(keyName: string, key: string, requestHash: Buffer): Promise<KeyState> {
    if (!this.database.available) throw databaseUnavailable();
    const { rows } = await this.database.query<{ claim: string }>(CLAIM, [keyName, key, requestHash]);
    if (rows[0]) return { kind: 'claimed', keyName, key, claim: rows[0].claim };
    const [known] = (await this.database.query<Row>(FIND, [keyName, key])).rows;
    // Released between the two statements: its owner failed just now.
    if (!known) return { kind: 'running' };
    if (!known.request_hash.equals(requestHash)) return { kind: 'other-request' };
    return known.status === null
      ? { kind: 'running' }
      : { kind: 'completed', status: known.status, body: known.body };
  }

  /** Keeps the answer for repetitions of the request. */
  async complete({ keyName, key, claim }: Claimed, status: number, body: unknown): Promise<void> {
    const json = body === undefined ? null : JSON.stringify(body);
    await this.database.query(COMPLETE, [keyName, key, claim, status, json]);
    await this.database.query(PURGE, []);
  }

  /** The request had no effect: it may be tried again with the same key. */
  async release({ keyName, key, claim }: Claimed): Promise<void> {
    await this.database.query(RELEASE, [keyName, key, claim]);
  }
}
