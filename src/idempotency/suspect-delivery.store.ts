import { Injectable } from '@nestjs/common';
import { Database } from '../database/database.module';

const PRIOR = `select case when owner = $3 then starts - 1 else starts end as prior
  from holdfast.suspect_delivery where consumer = $1 and delivery_key = $2`;

/** A start by the process that is alive to make another one was not ended by a crash, and is not counted again. */
const START = `insert into holdfast.suspect_delivery as s (consumer, delivery_key, owner)
values ($1, $2, $3)
on conflict (consumer, delivery_key) do update
   set starts = s.starts + (s.owner <> excluded.owner)::int, owner = excluded.owner, started_at = now()
returning starts`;

const FORGET = 'delete from holdfast.suspect_delivery where consumer = $1 and delivery_key = $2';

const PURGE = "delete from holdfast.suspect_delivery where started_at < now() - interval '1 day'";

/** All SQL on suspect deliveries. */
@Injectable()
export class SuspectDeliveryStore {
  constructor(private readonly database: Database) {}

  /** Whether a count would get through now. */
  get isReachable(): boolean {
    return this.database.available;
  }

  /** How often it was started, marked redelivered, by processes that did not live to settle it. */
  async priorStarts(consumer: string, key: string, owner: string): Promise<number> {
    const { rows } = await this.database.query<{ prior: number }>(PRIOR, [consumer, key, owner]);
    return rows[0]?.prior ?? 0;
  }

  /** Counts this start, before it happens. @returns all starts. */
  async start(consumer: string, key: string, owner: string): Promise<number> {
    const { rows } = await this.database.query<{ starts: number }>(START, [consumer, key, owner]);
    return rows[0]?.starts ?? 1;
  }

  async forget(consumer: string, key: string): Promise<void> {
    await this.database.query(FORGET, [consumer, key]);
  }

  /** Forgets those whose message never came back. */
  async purge(): Promise<number> {
    return (await this.database.query(PURGE)).rowCount;
  }
}
