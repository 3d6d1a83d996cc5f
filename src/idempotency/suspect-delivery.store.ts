import { Injectable, type OnModuleDestroy, type OnModuleInit } from '@nestjs/common';
import { classifySqlError, Database } from '../database/database.module';
import { EventBus } from '../message/message.module';

const PRIOR = `select case when owner = $3 then starts - 1 else starts end as prior
  from holdfast.suspect_delivery where consumer = $1 and delivery_key = $2`;

/** A start by the process that is alive to make another one was not ended by a crash, and is not counted again. */
const START = `insert into holdfast.suspect_delivery as s (consumer, delivery_key, owner)
values ($1, $2, $3)
on conflict (consumer, delivery_key) do update
   set starts = s.starts + (s.owner <> excluded.owner)::int, owner = excluded.owner, started_at = now()
returning starts`;

/** As if it had not been started; the next start is another one, also if this process makes it. */
const TAKE_BACK = `update holdfast.suspect_delivery
   set starts = starts - 1, owner = '00000000-0000-0000-0000-000000000000'
 where consumer = $1 and delivery_key = $2 and owner = $3 and starts > 1`;

/** Only while it is ours, where we have counted it: another process may have begun with the message since. */
const FORGET = `delete from holdfast.suspect_delivery s
  using unnest($1::text[], $2::text[], $3::uuid[]) as done (consumer, delivery_key, owner)
  where s.consumer = done.consumer and s.delivery_key = done.delivery_key and s.owner = coalesce(done.owner, s.owner)`;

/** What is remembered of deliveries that could not be forgotten; the purge takes what is more. */
const MOST_UNFORGOTTEN = 10_000;

const PURGE = "delete from holdfast.suspect_delivery where started_at < now() - interval '1 day'";

/** All SQL on suspect deliveries. */
@Injectable()
export class SuspectDeliveryStore implements OnModuleInit, OnModuleDestroy {
  /** Done, and still counted: the database did not take it. By consumer and key. */
  private readonly unforgotten = new Map<
    string,
    { consumer: string; key: string; owner: string | undefined }
  >();
  private off: () => void = () => undefined;

  constructor(
    private readonly database: Database,
    private readonly events: EventBus,
  ) {}

  onModuleInit(): void {
    this.off = this.events.on('dependency.changed', ({ dependency, available }) => {
      if (dependency === 'database' && available) void this.forgetTheRest();
    });
  }

  onModuleDestroy(): void {
    this.off();
  }

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
    this.unforgotten.delete(nameOf(consumer, key));
    const { rows } = await this.database.query<{ starts: number }>(START, [consumer, key, owner]);
    return rows[0]?.starts ?? 1;
  }

  /** Its start came to nothing: it was put off. Never throws: counted once too often, it is a little nearer to its limit. */
  async takeBack(consumer: string, key: string, owner: string): Promise<void> {
    await this.database.query(TAKE_BACK, [consumer, key, owner]).catch((error: unknown) => {
      if (classifySqlError(error) !== 'lock-timeout') this.database.gate.reportFailure(error);
    });
  }

  /**
   * It is settled. Never throws: what the database does not take now, it takes when it is back.
   * @param owner undefined: whoever has counted it.
   */
  async forget(consumer: string, key: string, owner: string | undefined): Promise<void> {
    if (this.unforgotten.size < MOST_UNFORGOTTEN)
      this.unforgotten.set(nameOf(consumer, key), { consumer, key, owner });
    await this.forgetTheRest();
  }

  private async forgetTheRest(): Promise<void> {
    const done = [...this.unforgotten.values()];
    if (done.length === 0) return;
    const columns = [
      done.map(({ consumer }) => consumer),
      done.map(({ key }) => key),
      done.map(({ owner }) => owner ?? null),
    ];
    try {
      await this.database.query(FORGET, columns);
      for (const { consumer, key } of done) this.unforgotten.delete(nameOf(consumer, key));
    } catch (error) {
      if (classifySqlError(error) !== 'lock-timeout') this.database.gate.reportFailure(error);
    }
  }

  /** Forgets those whose message never came back. */
  async purge(): Promise<number> {
    return (await this.database.query(PURGE)).rowCount;
  }
}

function nameOf(consumer: string, key: string): string {
  return `${consumer}\0${key}`;
}
