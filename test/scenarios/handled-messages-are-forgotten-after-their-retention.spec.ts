import { ReliableConsumer, type MessageContext } from 'holdfast';
import { InboxStore } from '../../src/idempotency/inbox.store';
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
    await holdfast.app.get(Retention).sweep();
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

  it('by one replica at a time, and never more than a batch in a statement', async () => {
    await world.database.query('delete from holdfast.inbox_message');
    await insert('completed', 30 * HOUR, 300);
    const store = holdfast.app.get(InboxStore);
    const purged = await Promise.all(Array.from({ length: 4 }, () => store.purge(10 * HOUR, 100)));
    for (const rows of purged) expect(rows).toBeLessThanOrEqual(100);
    expect(purged.reduce((sum, rows) => sum + rows, 0)).toBeGreaterThanOrEqual(100);
  });
});
