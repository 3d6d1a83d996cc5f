import { ReliableConsumer, type MessageContext } from 'holdfast';
import { Client } from 'pg';
import { Database } from '../../src/database/database';
import { InboxSweepStore, type SweepPace } from '../../src/idempotency/inbox-sweep.store';
import { Retention } from '../../src/idempotency/retention';
import { eventually } from '../support/eventually';
import { aQueue, World, type RunningHoldfast } from '../support/holdfast';

const queue = aQueue('orders');
const HOUR = 3_600_000;

class Orders {
  @ReliableConsumer({ queue, retry: { delays: ['100ms'] } })
  async on(_: unknown, ctx: MessageContext): Promise<void> {
    await ctx.tx.query('insert into effect values ($1, $2)', ['orders', ctx.id]);
  }
}

describe('handled messages are forgotten after their retention', () => {
  let world: World;
  let holdfast: RunningHoldfast;
  const insert = (
    state: string,
    ageMs: number,
    count: number,
    dueInMs: number | null = null,
  ): Promise<unknown> =>
    world.database.query(
      `insert into holdfast.inbox_message (consumer, transaction_id, state, body_hash, copy_token, due_at, received_at)
       select $1, $2::text || $3::text || i, $2, '\\x00', case when $2 in ('retrying', 'dead') then gen_random_uuid() end,
              now() + $5::float8 * interval '1 millisecond', now() - $3::float8 * interval '1 millisecond'
         from generate_series(1, $4::int) i`,
      [queue, state, ageMs, count, dueInMs],
    );
  const left = async (): Promise<Record<string, number>> =>
    Object.fromEntries(
      (
        await world.database.query<{ state: string; n: number }>(
          'select state, count(*)::int as n from holdfast.inbox_message group by 1',
        )
      ).map(({ state, n }) => [state, n]),
    );

  beforeAll(async () => {
    world = await World.create();
    holdfast = await world.start({
      handlers: [Orders],
      variables: {
        HOLDFAST_INBOX_RETENTION: '2h',
        HOLDFAST_REPLAY_WINDOW: '1h',
        HOLDFAST_SWEEP_INTERVAL: '1s',
      },
    });
  });
  afterAll(() => world.remove());

  it('not before: a repetition within the retention has no effect, one after it is a new message', async () => {
    await world.broker.send(queue, 'm-1', {});
    await holdfast.outcome('m-1', 'completed');
    await holdfast.app.get(Retention).step();
    await world.broker.send(queue, 'm-1', {});
    await holdfast.outcome('m-1', 'duplicate');
    await world.database.query("update holdfast.inbox_message set received_at = now() - interval '3 hours'");
    await eventually(async () => {
      expect(await left()).toEqual({});
    });
    await world.broker.send(queue, 'm-1', {});
    await eventually(async () => {
      expect(await world.effects('orders', 'm-1')).toBe(2);
    });
  });

  it('in bounded batches, whatever has accumulated; young messages and waiting retries stay', async () => {
    await world.database.query('delete from holdfast.inbox_message');
    const swept: number[] = [];
    const off = holdfast.events.on('retention.swept', ({ table, rows }) => {
      if (table === 'inbox_message') swept.push(rows);
    });
    await insert('completed', 3 * HOUR, 2_500);
    await insert('discarded', 3 * HOUR, 10);
    await insert('dead', 3 * HOUR, 10);
    await insert('retrying', 3 * HOUR, 10, -3 * HOUR);
    await insert('completed', HOUR, 7);
    await insert('dead', HOUR, 7);
    await insert('retrying', 5 * HOUR, 7, HOUR);
    await eventually(async () => {
      expect(await left()).toEqual({ completed: 7, dead: 7, retrying: 7 });
    });
    off();
    expect(swept.reduce((sum, rows) => sum + rows, 0)).toBe(2_530);
    expect(Math.max(...swept)).toBeLessThanOrEqual(1_000);
  });
});

describe('the sweep of the inbox', () => {
  let world: World;
  let sweep: InboxSweepStore;
  const pace: SweepPace = {
    olderThanMs: HOUR,
    rows: 100,
    pages: 4,
    pauseFactor: 0,
    restMs: 0,
    restFactor: 0,
  };
  const insert = (ids: string, ageMs: number, count: number): Promise<unknown> =>
    world.database.query(
      `insert into holdfast.inbox_message (consumer, transaction_id, state, body_hash, received_at)
       select 'orders', $1::text || i, 'completed', '\\x00', now() - $2::float8 * interval '1 millisecond' from generate_series(1, $3::int) i`,
      [ids, ageMs, count],
    );
  const ids = async (): Promise<string[]> =>
    (
      await world.database.query<{ kind: string }>(
        `select distinct rtrim(transaction_id, '0123456789') as kind from holdfast.inbox_message order by 1`,
      )
    ).map(({ kind }) => kind);
  const sweepToTheEnd = async (wanted: SweepPace = pace): Promise<number[]> => {
    const rows: number[] = [];
    for (;;) {
      const step = await sweep.step({ ...wanted, restMs: HOUR });
      if (!step) return rows;
      rows.push(step.rows);
    }
  };

  beforeAll(async () => {
    world = await World.create();
    // It is made when a test says so, and never by itself.
    const holdfast = await world.start({ variables: { HOLDFAST_SWEEP_INTERVAL: '1h' } });
    sweep = holdfast.app.get(InboxSweepStore);
    await holdfast.app.get(Database).gate.whenAvailable();
  });
  beforeEach(async () => {
    await world.database.query('truncate holdfast.inbox_message');
    await world.database.query(
      "update holdfast.inbox_sweep set next_block = 0, looked_ms = 0, next_at = '-infinity'",
    );
  });
  afterAll(() => world.remove());

  it('is made by one replica at a time, however many come at once', async () => {
    await insert('old-', 2 * HOUR, 1_000);
    const steps = await Promise.all(
      Array.from({ length: 4 }, () => sweep.step({ ...pace, pauseFactor: 1e6 })),
    );
    expect(steps.filter((step) => step !== undefined)).toEqual([
      { rows: 100, waitMs: expect.any(Number) as number },
    ]);
  });

  it('stands still after each step for as long as its share demands, for every replica', async () => {
    await insert('old-', 2 * HOUR, 1_000);
    const step = await sweep.step({ ...pace, pauseFactor: 1e6 });
    expect(step?.waitMs).toBeGreaterThan(0);
    expect(await sweep.step(pace)).toBeUndefined();
    await world.database.query("update holdfast.inbox_sweep set next_at = '-infinity'");
    expect(await sweep.step(pace)).toMatchObject({ rows: 100, waitMs: 0 });
  });

  it('rests between two sweeps, longer the more it had to read in vain', async () => {
    await insert('young-', 0, 1_000);
    const steps: (number | undefined)[] = [];
    do steps.push((await sweep.step({ ...pace, restMs: HOUR, restFactor: 1e9 }))?.waitMs);
    while (steps.at(-1) === 0);
    expect(steps.length).toBeGreaterThan(1);
    expect(steps.at(-1)).toBeGreaterThan(HOUR);
  });

  it('takes all that is due and nothing else, where young rows lie in the space of forgotten ones', async () => {
    await insert('first-', 3 * HOUR, 2_000);
    await insert('old-', 2 * HOUR, 1_000);
    await insert('kept-', HOUR / 2, 500);
    await world.database.query("delete from holdfast.inbox_message where transaction_id like 'first-%'");
    await world.database.query('vacuum holdfast.inbox_message');
    await insert('young-', 0, 1_000);
    const steps = await sweepToTheEnd();
    expect(steps.reduce((sum, rows) => sum + rows, 0)).toBe(1_000);
    expect(Math.max(...steps)).toBe(100);
    expect(await ids()).toEqual(['kept-', 'young-']);
  });

  it('passes over a row that somebody is working on, and takes it the next time', async () => {
    await insert('old-', 2 * HOUR, 300);
    const other = new Client({ connectionString: world.database.url });
    await other.connect();
    await other.query(
      "begin; select 1 from holdfast.inbox_message where transaction_id = 'old-7' for update",
    );
    const passed = await sweepToTheEnd();
    expect(passed.reduce((sum, rows) => sum + rows, 0)).toBe(299);
    await other.query('rollback');
    await other.end();
    await world.database.query("update holdfast.inbox_sweep set next_at = '-infinity'");
    const left = await sweepToTheEnd();
    expect(left.reduce((sum, rows) => sum + rows, 0)).toBe(1);
  });
});
