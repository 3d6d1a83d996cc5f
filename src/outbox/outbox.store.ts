import { Injectable } from '@nestjs/common';
import type { Publication } from '../broker/broker.module';
import { Database } from '../database/database.module';
import type { Sql } from '../message/message.module';

export interface OutboxRow {
  readonly sequence: string;
  readonly publication: Publication;
}

interface StoredRow {
  readonly sequence: string;
  readonly message_id: string;
  readonly exchange: string;
  readonly routing_key: string;
  readonly body: Buffer;
  readonly properties: Publication['properties'];
  readonly headers: Record<string, unknown>;
}

const WRITE = `insert into holdfast.outbox_message (message_id, exchange, routing_key, body, properties, headers)
values ($1, $2, $3, $4, $5, $6) returning sequence`;

/** Pushing the next try away is the claim: no other replica takes the row meanwhile, and a dead one's rows come back. */
const CLAIM_DUE = `update holdfast.outbox_message o set next_try_at = now() + interval '30 seconds'
  from (select sequence from holdfast.outbox_message where next_try_at <= now()
         order by sequence limit $1 for update skip locked) due
 where o.sequence = due.sequence
returning o.sequence, o.message_id, o.exchange, o.routing_key, o.body, o.properties, o.headers`;

const DELETE = 'delete from holdfast.outbox_message where sequence = any ($1::bigint[])';

/** The wait doubles from 1 s to 5 min. */
const FAILED = `update holdfast.outbox_message
   set attempts = attempts + 1, last_error = $2,
       next_try_at = now() + least(300, power(2, least(attempts, 9))) * interval '1 second'
 where sequence = $1`;

const OLDEST = 'select extract(epoch from min(created_at))::float8 as oldest from holdfast.outbox_message';

/** All SQL on the outbox. */
@Injectable()
export class OutboxStore {
  constructor(private readonly database: Database) {}

  /** @param sql that of the transaction the publication belongs to. */
  async write(sql: Sql, publication: Publication): Promise<OutboxRow> {
    const { exchange, routingKey, body, properties, headers } = publication;
    const { rows } = await sql.query(WRITE, [
      properties.messageId,
      exchange,
      routingKey,
      body,
      JSON.stringify(properties),
      JSON.stringify(headers),
    ]);
    return { sequence: String(rows[0]?.['sequence']), publication };
  }

  /** Takes due rows, oldest first, for the next 30 seconds. */
  async claimDue(limit: number): Promise<OutboxRow[]> {
    const { rows } = await this.database.query<StoredRow>(CLAIM_DUE, [limit]);
    return rows
      .sort((a, b) => Number(a.sequence) - Number(b.sequence))
      .map(({ sequence, exchange, routing_key: routingKey, body, properties, headers }) => ({
        sequence,
        publication: { exchange, routingKey, body, properties, headers },
      }));
  }

  async delete(sequences: readonly string[]): Promise<void> {
    if (sequences.length > 0) await this.database.query(DELETE, [sequences]);
  }

  async recordFailure(sequence: string, error: string): Promise<void> {
    await this.database.query(FAILED, [sequence, error.slice(0, 1_000)]);
  }

  /** Seconds since 1970 of the oldest unpublished message; undefined when there is none. */
  async oldest(): Promise<number | undefined> {
    const { rows } = await this.database.query<{ oldest: number | null }>(OLDEST);
    return rows[0]?.oldest ?? undefined;
  }
}
