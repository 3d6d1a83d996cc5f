import { setTimeout as sleep } from 'node:timers/promises';
import { PermanentError, ReliableConsumer, type MessageContext } from 'holdfast';
import { takeDeadLetter } from '../support/dead-letters';
import { aQueue, World, type RunningHoldfast, type Settled } from '../support/holdfast';

const queue = aQueue('shared');
const stepwise = aQueue('stepwise');

type Work = (ctx: MessageContext, payload: { parts: string[] }) => unknown;

class Handlers {
  readonly work = new Map<string, Work>();
  readonly calls: string[] = [];

  @ReliableConsumer({ queue, commit: 'shared', groupSize: 50, retry: { delays: ['100ms'] }, timeout: '2s' })
  async on(payload: { parts: string[] }, ctx: MessageContext): Promise<void> {
    this.calls.push(ctx.id);
    const work = this.work.get(ctx.id);
    if (work) await work(ctx, payload);
    else await ctx.sql.query('insert into effect values ($1, $2)', ['shared', ctx.id]);
  }

  @ReliableConsumer({ queue: stepwise, commit: 'shared', groupSize: 50, retry: { delays: ['100ms'] } })
  async onStep(_: unknown, ctx: MessageContext): Promise<void> {
    this.calls.push(ctx.id);
    await (this.work.get(ctx.id) ?? this.work.get('stepwise'))?.(ctx, { parts: [] });
  }
}

describe('messages commit together', () => {
  let world: World;
  let holdfast: RunningHoldfast;
  const handlers = (): Handlers => holdfast.app.get(Handlers);
  const callsOf = (id: string): number => handlers().calls.filter((one) => one === id).length;

  /** All of them wait for the consumer before it takes the first. */
  async function deliverAtOnce(to: string, ids: readonly string[]): Promise<void> {
    await holdfast.consumers.pause(to, { by: 'the test' });
    for (const id of ids) await world.broker.send(to, id, { parts: [] });
    await holdfast.consumers.resume(to, { by: 'the test' });
  }

  const idsOf = (label: string, count: number): string[] =>
    Array.from({ length: count }, (_, i) => `${label}-${i}`);

  const completed = (ids: readonly string[]): Promise<Settled[]> =>
    Promise.all(ids.map((id) => holdfast.outcome(id, 'completed')));

  /** Rows that one transaction has written share its number. */
  async function transactionsOf(label: string): Promise<number> {
    const [row] = await world.database.query<{ n: number }>(
      'select count(distinct xmin::text)::int as n from holdfast.inbox_message where transaction_id like $1',
      [`${label}-%`],
    );
    return row?.n ?? 0;
  }

  beforeAll(async () => {
    world = await World.create();
    await world.database.query('create table counter (name text primary key, value integer not null)');
    holdfast = await world.start({ handlers: [Handlers] });
  });
  afterAll(() => world.remove());

  it('takes what is waiting into few transactions, each message with its effect and its own outcome', async () => {
    const ids = idsOf('many', 100);
    await deliverAtOnce(queue, ids);
    for (const { acknowledged } of await completed(ids)) expect(acknowledged).toBe(true);
    expect(await transactionsOf('many')).toBeLessThan(20);
    expect(await world.effects('shared')).toBe(100);
    for (const id of ids) expect(callsOf(id)).toBe(1);
  });

  it('handles a lone message at once', async () => {
    await world.broker.send(queue, 'lone', { parts: [] });
    await holdfast.outcome('lone', 'completed');
    expect(await world.effects('shared', 'lone')).toBe(1);
  });

  it('recognises repetitions, in the same burst and later', async () => {
    const ids = idsOf('twice', 20);
    await deliverAtOnce(queue, [...ids, ...ids]);
    await completed(ids);
    await Promise.all(ids.map((id) => holdfast.outcome(id, 'duplicate')));
    for (const id of ids) expect(await world.effects('shared', id)).toBe(1);
  });

  it('takes over what a run under a lease has left behind', async () => {
    const ids = idsOf('left', 5);
    await world.database.query(
      `insert into holdfast.inbox_message (consumer, transaction_id, state, body_hash, copy_token, due_at)
       values ($1, 'left-2', 'running', substr(sha256($2), 1, 16), gen_random_uuid(), now() - interval '1 second')`,
      [queue, Buffer.from('{"parts":[]}')],
    );
    await deliverAtOnce(queue, ids);
    await completed(ids);
    for (const id of ids) expect(await world.effects('shared', id)).toBe(1);
  });

  it('lets a bad message cost its neighbours a second run and nothing else', async () => {
    const ids = idsOf('bad', 30);
    handlers().work.set('bad-7', async (ctx) => {
      await ctx.sql.query('insert into effect values ($1, $2)', ['shared', ctx.id]);
      throw new TypeError('never');
    });
    await deliverAtOnce(queue, ids);
    const good = ids.filter((id) => id !== 'bad-7');
    for (const { delivery } of await completed(good)) expect(delivery.attempt).toBe(1);
    await holdfast.outcome('bad-7', 'dead-letter');
    for (const id of good) {
      expect(await world.effects('shared', id)).toBe(1);
      expect(callsOf(id)).toBeLessThanOrEqual(2);
    }
    expect(await world.effects('shared', 'bad-7')).toBe(0);
    expect((await takeDeadLetter(world, queue)).properties.headers).toMatchObject({ 'x-retry-count': 2 });
  });

  it('gives a message that is run again its payload as it came', async () => {
    const ids = idsOf('fresh', 10);
    const seen: string[][] = [];
    for (const id of ids)
      handlers().work.set(id, async (ctx, payload) => {
        seen.push([...payload.parts]);
        payload.parts.push('touched');
        await ctx.sql.query('insert into effect values ($1, $2)', ['shared', ctx.id]);
      });
    handlers().work.set('fresh-9', () => Promise.reject(new RangeError('no')));
    await deliverAtOnce(queue, ids);
    await completed(ids.slice(0, 9));
    expect(seen.flat()).toEqual([]);
    await holdfast.outcome('fresh-9', 'dead-letter');
  });

  it('blames a swallowed SQL error on the message that swallowed it', async () => {
    const ids = idsOf('swallow', 10);
    handlers().work.set('swallow-3', async (ctx) => {
      await ctx.sql.query('select 1 / 0').catch(() => undefined);
    });
    await deliverAtOnce(queue, ids);
    await completed(ids.filter((id) => id !== 'swallow-3'));
    const { outcome } = await holdfast.outcome('swallow-3', 'dead-letter');
    expect(outcome).toMatchObject({ error: { name: 'SwallowedSqlError' } });
    for (const id of ids.filter((one) => one !== 'swallow-3'))
      expect(await world.effects('shared', id)).toBe(1);
  });

  it('lets nobody but the one that hangs pay for the time it takes', async () => {
    const ids = idsOf('hang', 10);
    let hangs = true;
    handlers().work.set('hang-0', async (ctx) => {
      await ctx.sql.query(hangs ? 'select pg_sleep(30)' : 'select 1');
      await ctx.sql.query('insert into effect values ($1, $2)', ['shared', ctx.id]);
    });
    await deliverAtOnce(queue, ids);
    const retried = await holdfast.outcome('hang-0', 'retry');
    expect(retried.outcome).toMatchObject({ reason: 'HandlerTimeoutError' });
    hangs = false;
    for (const { delivery } of await completed(ids.slice(1))) expect(delivery.attempt).toBe(1);
    expect((await holdfast.outcome('hang-0', 'completed')).delivery.attempt).toBe(2);
    for (const id of ids) expect(await world.effects('shared', id)).toBe(1);
  });

  it('publishes what each handler of a group published, and nothing of one that failed', async () => {
    const ids = idsOf('publish', 20);
    const target = aQueue('downstream');
    await world.broker.channel.assertQueue(target, { durable: true });
    for (const id of ids)
      handlers().work.set(id, async (ctx) => {
        await ctx.publish('', target, { of: ctx.id });
        if (id === 'publish-5') throw new PermanentError('not this one');
      });
    await deliverAtOnce(queue, ids);
    await completed(ids.filter((id) => id !== 'publish-5'));
    await holdfast.outcome('publish-5', 'dead-letter');
    const came = new Set<string>();
    while (came.size < 19)
      came.add((JSON.parse((await world.broker.take(target)).content.toString()) as { of: string }).of);
    expect([...came].sort()).toEqual(ids.filter((id) => id !== 'publish-5').sort());
    expect(await world.broker.channel.get(target)).toBe(false);
  });

  it('refuses what a handler sends after it has returned', async () => {
    const late: Promise<unknown>[] = [];
    handlers().work.set('late', (ctx) => {
      const { sql } = ctx;
      late.push(sleep(200).then(() => sql.query('insert into effect values ($1, $2)', ['shared', 'late'])));
    });
    await world.broker.send(queue, 'late', { parts: [] });
    await holdfast.outcome('late', 'completed');
    await expect(late[0]).rejects.toThrow(/transaction of this message has ended/);
    expect(await world.effects('shared', 'late')).toBe(0);
  });

  it('loses no update between handlers that read, decide and write', async () => {
    await world.database.query("insert into counter values ('steps', 0)");
    handlers().work.set('stepwise', async (ctx) => {
      const { rows } = await ctx.sql.query<{ value: number }>(
        "select value from counter where name = 'steps' for update",
      );
      await sleep(1);
      await ctx.sql.query("update counter set value = $1 where name = 'steps'", [(rows[0]?.value ?? 0) + 1]);
    });
    const ids = idsOf('steps', 60);
    await deliverAtOnce(stepwise, ids);
    await completed(ids);
    expect(await world.database.query('select value from counter')).toEqual([{ value: 60 }]);
    expect(await transactionsOf('steps')).toBeLessThan(20);
  });

  it('lets handlers use savepoints, whatever their neighbours do', async () => {
    const ids = idsOf('savepoint', 12);
    for (const id of ids)
      handlers().work.set(id, async (ctx) => {
        await ctx.tx.query('insert into effect values ($1, $2)', ['stepwise', ctx.id]);
        await ctx.tx
          .transaction(async (inner) => {
            await inner.query('insert into effect values ($1, $2)', ['undone', ctx.id]);
            throw new Error('this part only');
          })
          .catch(() => undefined);
      });
    await deliverAtOnce(stepwise, ids);
    await completed(ids);
    for (const id of ids) expect(await world.effects('stepwise', id)).toBe(1);
    expect(await world.effects('undone')).toBe(0);
  });
});
