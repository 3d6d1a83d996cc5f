import { Injectable } from '@nestjs/common';
import { Database } from '../database/database.module';

/** How a sweep goes: its bounds are what a message on its way feels of it. */
export interface SweepPace {
  readonly olderThanMs: number;
  /** Most rows that one step takes out. */
  readonly rows: number;
  /** Most pages that one step reads. */
  readonly pages: number;
  /** After a step the sweep stands still for this many times as long as the step took, on all replicas together. */
  readonly pauseFactor: number;
  /** Between two sweeps at least this long, and this many times as long as the last one took to look at pages where nothing was due. */
  readonly restMs: number;
  readonly restFactor: number;
}

export interface SweepStep {
  readonly rows: number;
  /** When the next step may be made. */
  readonly waitMs: number;
}

const DUE = `received_at < now() - $1::float8 * interval '1 millisecond'
     and (state not in ('retrying', 'running') or due_at < now() - $1::float8 * interval '1 millisecond')`;

/**
 * Goes through the pages in their order, because no index can: one on the time of receipt would be paid for by every message, and a BRIN
 * index forgets what is old where space is used again. The row of the sweep is the lock, the place and the pace for all replicas. Rows
 * that somebody is working on are passed over. `done` has counted before it looks at the clock.
 */
const STEP = `with place as materialized (
  select next_block, looked_ms from holdfast.inbox_sweep where next_at <= clock_timestamp() for update skip locked
), due as materialized (
  select ctid as at from holdfast.inbox_message
   where ctid >= (select format('(%s,0)', next_block)::tid from place)
     and ctid < (select format('(%s,0)', next_block + $3::bigint)::tid from place)
     and ${DUE}
   limit $2::int for update skip locked
), gone as (
  delete from holdfast.inbox_message where ctid = any (array(select at from due)) returning 1
), done as (
  select count(*)::int as rows, clock_timestamp() as at from gone
), step as (
  select done.rows, done.at, extract(epoch from done.at - statement_timestamp())::float8 * 1000 as took_ms, place.looked_ms,
         case when done.rows >= $2::int then (select max((at::text::point)[0])::bigint from due)
              else place.next_block + $3::bigint end as next_block
    from place, done
), turn as (
  select *, next_block * current_setting('block_size')::bigint >= pg_relation_size('holdfast.inbox_message') as is_end,
         looked_ms + case when rows = 0 then took_ms else 0 end as looked
    from step
)
update holdfast.inbox_sweep
   set next_block = case when is_end then 0 else turn.next_block end,
       looked_ms = case when is_end then 0 else looked end,
       next_at = turn.at + interval '1 millisecond' *
         case when is_end then greatest($5::float8, $6::float8 * looked) else $4::float8 * took_ms end
  from turn
returning turn.rows, greatest(0, extract(epoch from next_at - clock_timestamp())::float8 * 1000) as "waitMs"`;

/** All SQL on the sweep of the inbox that takes out what is past its retention. */
@Injectable()
export class InboxSweepStore {
  constructor(private readonly database: Database) {}

  /** @returns undefined when it is not yet time, or another replica is at it. */
  async step(pace: SweepPace): Promise<SweepStep | undefined> {
    const { olderThanMs, rows, pages, pauseFactor, restMs, restFactor } = pace;
    const values = [olderThanMs, rows, pages, pauseFactor, restMs, restFactor];
    return (await this.database.query<SweepStep>(STEP, values)).rows[0];
  }
}
