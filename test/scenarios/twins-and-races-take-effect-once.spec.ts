import { setTimeout as sleep } from 'node:timers/promises';
import { Column, Entity, PrimaryColumn, VersionColumn } from 'typeorm';
import { ReliableConsumer, type MessageContext } from 'holdfast';
import { takeDeadLetter } from '../support/dead-letters';
import { eventually } from '../support/eventually';
import { aQueue, World, type RunningHoldfast, type Settled } from '../support/holdfast';

const queue = aQueue('orders');
const anonymous = aQueue('anonymous');
const derived = aQueue('derived');

@Entity({ schema: 'public', name: 'stock' })
class Stock {
  @PrimaryColumn('text')
  sku!: string;

  @Column('integer')
  amount!: number;

  @VersionColumn()
  version!: number;
}

type Work = (ctx: MessageContext) => unknown;

class Handlers {
  readonly work = new Map<string, Work>();
  calls = 0;

  @ReliableConsumer({ queue, retry: { delays: ['100ms'] }, concurrency: 20, timeout: '20s' })
  async on(_: unknown, ctx: MessageContext): Promise<void> {
    this.calls++;
    await this.work.get(ctx.id)?.(ctx);
  }

  @ReliableConsumer({ queue: anonymous, onMissingTransactionId: 'process', retry: { delays: ['100ms'] } })
  async onAnonymous({ n }: { n: number }, ctx: MessageContext): Promise<void> {
    await ctx.tx.query('insert into effect values ($1, $2, $3)', ['anonymous', ctx.id, String(n)]);
    if (n < 0 && ctx.attempt === 1) throw new Error('once');
  }

  @ReliableConsumer({
    queue: derived,
    transactionId: ({ payload, delivery }) => {
      const { order, line } = payload as { order?: string; line?: number };
      if (order === 'throw') throw new Error('no id in it');
      return order === undefined ? undefined : `${order}/${line ?? 0}@${delivery.routingKey.length > 0}`;
    },
  })
  async onDerived(_: unknown, ctx: MessageContext): Promise<void> {
    await ctx.tx.query('insert into effect values ($1, $2)', ['derived', ctx.id]);
  }
}

describe('twins and races take effect once', () => {
  let world: World;
  let holdfast: RunningHoldfast;
  let replica: RunningHoldfast;
  const doing = (id: string, work: Work): void => {
    for (const one of [holdfast, replica]) one.app.get(Handlers).work.set(id, work);
  };
  const calls = (): number => holdfast.app.get(Handlers).calls + replica.app.get(Handlers).calls;
  const settledOf = (id: string): Settled[] =>
    [...holdfast.settled, ...replica.settled].filter(({ transactionId }) => transactionId === id);
  const settledInAll = async (id: string, count: number): Promise<string[]> => {
    await eventually(() => {
      expect(settledOf(id).length).toBeGreaterThanOrEqual(count);
    }, 25_000);
    return settledOf(id)
      .map(({ outcome }) => outcome.kind)
      .sort();
  };

  beforeAll(async () => {
    world = await World.create();
    await world.database.query(
      'create table stock (sku text primary key, amount integer not null, version integer not null)',
    );
    [holdfast, replica] = [
      await world.start({
        handlers: [Handlers],
        entities: [Stock],
        variables: { HOLDFAST_LOCK_TIMEOUT: '1s' },
      }),
      await world.start({
        handlers: [Handlers],
        entities: [Stock],
        variables: { HOLDFAST_LOCK_TIMEOUT: '1s' },
      }),
    ];
  });
  afterAll(() => world.remove());

  it('ten copies at once on two replicas: one effect, nine duplicates', async () => {
    doing('twins', async (ctx) => {
      await ctx.tx.query('insert into effect values ($1, $2)', ['twins', ctx.id]);
      await sleep(150);
    });
    await Promise.all(Array.from({ length: 10 }, () => world.broker.send(queue, 'twins', {})));
    expect(await settledInAll('twins', 10)).toEqual(['completed', ...Array<string>(9).fill('duplicate')]);
    expect(await world.effects('twins')).toBe(1);
  });

  it('a twin that waits too long stands aside, costs no attempt, and finds it done', async () => {
    doing('slow twins', async (ctx) => {
      await ctx.tx.query('insert into effect values ($1, $2, $3)', [
        'slow twins',
        ctx.id,
        String(ctx.attempt),
      ]);
      await sleep(1_800);
    });
    await Promise.all([1, 2].map(() => world.broker.send(queue, 'slow twins', {})));
    expect(await settledInAll('slow twins', 3)).toEqual(['completed', 'defer', 'duplicate']);
    expect(await world.database.query("select detail from effect where handler = 'slow twins'")).toEqual([
      { detail: '1' },
    ]);
  });

  it('a twin that runs long does not make the failure of the other one a database that is away', async () => {
    const away: unknown[] = [];
    const offs = [holdfast, replica].map(({ events }) =>
      events.on('dependency.changed', (event) => {
        if (!event.available) away.push(event.reason);
      }),
    );
    let first = true;
    doing('uneven twins', async (ctx) => {
      await ctx.tx.query('insert into effect values ($1, $2)', ['uneven twins', ctx.id]);
      if (!first) {
        // Longer than a statement of the bookkeeping may take.
        await sleep(10_600);
        return;
      }
      first = false;
      await sleep(100);
      throw new Error('the first one fails while the second one waits for it');
    });
    await Promise.all([1, 2].map(() => world.broker.send(queue, 'uneven twins', {})));
    expect(await settledInAll('uneven twins', 2)).toEqual(['completed', 'duplicate']);
    for (const off of offs) off();
    expect(away).toEqual([]);
    expect(await world.effects('uneven twins')).toBe(1);
  }, 30_000);

  it('the same id with another body is a conflict, whichever comes first', async () => {
    doing('conflict', async (ctx) => {
      await ctx.tx.query('insert into effect values ($1, $2)', ['conflict', ctx.id]);
      await sleep(100);
    });
    await Promise.all([1, 2].map((n) => world.broker.send(queue, 'conflict', { n })));
    expect(await settledInAll('conflict', 2)).toEqual(['completed', 'dead-letter']);
    const dead = await takeDeadLetter(world, queue);
    expect(dead.reason).toBe('transaction-id-conflict');
    expect(dead.error).toMatch(/transaction id "conflict" was used before for another body/);
    expect(
      await world.database.query(
        "select state from holdfast.inbox_message where transaction_id = 'conflict'",
      ),
    ).toEqual([{ state: 'completed' }]);
  });

  it('messages without an id are all handled, each in a transaction, where the consumer says so', async () => {
    for (const n of [1, 1, -2]) await world.broker.send(anonymous, undefined, { n });
    await eventually(() => {
      const done = [...holdfast.settled, ...replica.settled].filter(
        ({ delivery, outcome }) => delivery.queue === anonymous && outcome.kind === 'completed',
      );
      expect(done).toHaveLength(3);
    });
    expect(
      await world.database.query("select detail from effect where handler = 'anonymous' order by 1"),
    ).toEqual([{ detail: '-2' }, { detail: '1' }, { detail: '1' }]);
    await world.broker.send(anonymous, 'named', { n: 7 });
    await world.broker.send(anonymous, 'named', { n: 7 });
    expect(await settledInAll('named', 2)).toEqual(['completed', 'duplicate']);
  });

  it('an id may be made of the message', async () => {
    for (const [i, line] of [1, 2, 1].entries())
      await world.broker.send(derived, `d-${i}`, { order: 'o', line });
    expect(await settledInAll('o/1@true', 2)).toEqual(['completed', 'duplicate']);
    expect(await settledInAll('o/2@true', 1)).toEqual(['completed']);
  });

  it.each<[string, object, RegExp]>([
    ['a function that finds none', {}, /neither a message-id nor a header x-transaction-id/],
    ['a function that throws', { order: 'throw' }, /transactionId function failed: Error: no id in it/],
    ['a function that makes one too long', { order: 'x'.repeat(600) }, /at most 512 bytes.*607 bytes/],
  ])('%s parks the message', async (_, body, error) => {
    await world.broker.send(derived, 'ignored', body);
    const dead = await takeDeadLetter(world, derived);
    expect(dead.reason).toBe('missing-transaction-id');
    expect(dead.error).toMatch(error);
  });

  it.each(['x'.repeat(200), 'ümläut', 'with spaces and "quotes"', '../..', "'; drop table effect; --", '🐇'])(
    'the id %j is an id like any other',
    async (id) => {
      await world.broker.send(queue, id, {});
      expect(await settledInAll(id, 1)).toEqual(['completed']);
    },
  );

  it.each<[string, (attempt: number) => Work]>([
    [
      'an optimistic lock that failed',
      (call) => async (ctx) => {
        const stocks = ctx.tx.getRepository(Stock);
        const version = call === 1 ? 99 : 1;
        const one = await stocks.findOneOrFail({
          where: { sku: 'a' },
          lock: { mode: 'optimistic', version },
        });
        one.amount -= 1;
        await stocks.save(one);
      },
    ],
    [
      'a serialization failure',
      (call) => (ctx) =>
        ctx.tx.query(
          call < 3 ? "do $$ begin raise exception 'race' using errcode = '40001'; end $$" : 'select 1',
        ),
    ],
    [
      'a lock that was not to be had',
      (call) => (ctx) =>
        ctx.sql.query(
          call < 2 ? "do $$ begin raise exception 'lock' using errcode = '55P03'; end $$" : 'select 1',
        ),
    ],
  ])('%s is tried again at once and costs no attempt', async (name, work) => {
    await world.database.query("insert into stock values ('a', 10, 1) on conflict do nothing");
    let call = 0;
    doing(name, async (ctx) => {
      await ctx.tx.query('insert into effect values ($1, $2, $3)', [name, ctx.id, String(ctx.attempt)]);
      await work(++call)(ctx);
    });
    await world.broker.send(queue, name, {});
    expect(await settledInAll(name, 1)).toEqual(['completed']);
    expect(await world.database.query('select detail from effect where handler = $1', [name])).toEqual([
      { detail: '1' },
    ]);
    expect(call).toBeGreaterThan(1);
  });

  it('a race that is always lost is a failure in the end', async () => {
    const before = calls();
    doing('loser', (ctx) =>
      ctx.sql.query("do $$ begin raise exception 'race' using errcode = '40001'; end $$"),
    );
    await world.broker.send(queue, 'loser', {});
    expect(await takeDeadLetter(world, queue)).toMatchObject({
      reason: 'attempts-exhausted',
      headers: { 'x-retry-count': 2 },
    });
    expect(calls() - before).toBe(8);
  });

  it('two handlers that deadlock both take effect, on their first attempt', async () => {
    await world.database.query("insert into stock values ('x', 10, 1), ('y', 10, 1)");
    let waiting = 0;
    const both = async (): Promise<void> => {
      waiting++;
      for (let i = 0; i < 40 && waiting < 2; i++) await sleep(25);
    };
    const taking =
      (one: string, other: string): Work =>
      async (ctx) => {
        await ctx.tx.query('update stock set amount = amount - 1 where sku = $1', [one]);
        await both();
        await ctx.tx.query('update stock set amount = amount - 1 where sku = $1', [other]);
        await ctx.tx.query('insert into effect values ($1, $2, $3)', [
          'deadlock',
          ctx.id,
          String(ctx.attempt),
        ]);
      };
    doing('xy', taking('x', 'y'));
    doing('yx', taking('y', 'x'));
    await Promise.all(['xy', 'yx'].map((id) => world.broker.send(queue, id, {})));
    expect(await settledInAll('xy', 1)).toEqual(['completed']);
    expect(await settledInAll('yx', 1)).toEqual(['completed']);
    expect(await world.database.query("select detail from effect where handler = 'deadlock'")).toEqual([
      { detail: '1' },
      { detail: '1' },
    ]);
    expect(await world.database.query("select amount from stock where sku in ('x', 'y')")).toEqual([
      { amount: 8 },
      { amount: 8 },
    ]);
  });
});
