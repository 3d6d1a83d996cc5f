import { setTimeout as sleep } from 'node:timers/promises';
import {
  Discard,
  PermanentError,
  ReliableBatchConsumer,
  RetryLater,
  type BatchContext,
  type BatchResult,
} from 'holdfast';
import { takeDeadLetter } from '../support/dead-letters';
import { aQueue, World, type RunningHoldfast, type Settled } from '../support/holdfast';

const queue = aQueue('batches');
const plain = aQueue('plain-batches');
const typed = aQueue('typed-batches');

interface Order {
  readonly id: string;
  readonly parts: string[];
}
type Doing = (order: Order, ctx: BatchContext) => Error | undefined;

const INSERT = 'insert into effect (handler, transaction_id) select $1, unnest($2::text[])';
const idsIn = (ctx: BatchContext): string[] => ctx.messages.map(({ id }) => id);

class Handlers {
  /** The ids of each call. */
  readonly calls: string[][] = [];
  /** What is to become of a message; what it throws, the whole call does. */
  readonly doings = new Map<string, Doing>();
  /** Called with each batch before anything is written. */
  before: (orders: Order[], ctx: BatchContext) => unknown = () => undefined;

  @ReliableBatchConsumer({ queue, batchSize: 50, retry: { delays: ['100ms'] }, timeout: '1s' })
  async on(orders: Order[], ctx: BatchContext): Promise<BatchResult> {
    const ids = idsIn(ctx);
    this.calls.push(ids);
    const chosen = await this.before(orders, ctx);
    if (chosen !== undefined) return chosen as BatchResult;
    const results = orders.map((order, i) => this.doings.get(ids[i] ?? '')?.(order, ctx));
    await ctx.sql.query(INSERT, ['batch', ids.filter((_, i) => !results[i])]);
    return results;
  }

  @ReliableBatchConsumer({ queue: plain, batchSize: 20, idempotency: 'off', retry: { delays: ['100ms'] } })
  onPlain(orders: Order[], ctx: BatchContext): BatchResult {
    this.calls.push(idsIn(ctx));
    return orders.map((order, i) => this.doings.get(ctx.messages[i]?.id ?? '')?.(order, ctx));
  }

  @ReliableBatchConsumer({ queue: typed, type: 'large', batchSize: 20 })
  async onLarge(orders: Order[], ctx: BatchContext): Promise<void> {
    this.calls.push(idsIn(ctx));
    await ctx.tx.query(INSERT, ['large', orders.map(({ id }) => id)]);
  }

  @ReliableBatchConsumer({ queue: typed, type: 'small', batchSize: 10 })
  async onSmall(orders: Order[], ctx: BatchContext): Promise<void> {
    this.calls.push(idsIn(ctx));
    await ctx.tx.query(INSERT, ['small', orders.map(({ id }) => id)]);
  }
}

describe('messages are handled in batches', () => {
  let world: World;
  let holdfast: RunningHoldfast;
  const handlers = (): Handlers => holdfast.app.get(Handlers);
  const callsWith = (id: string): string[][] => handlers().calls.filter((ids) => ids.includes(id));
  const idsOf = (label: string, count: number): string[] =>
    Array.from({ length: count }, (_, i) => `${label}-${i}`);
  const completed = (ids: readonly string[]): Promise<Settled[]> =>
    Promise.all(ids.map((id) => holdfast.outcome(id, 'completed')));
  const others = (ids: readonly string[], ...but: string[]): string[] =>
    ids.filter((id) => !but.includes(id));

  /** All of them wait for the consumer before it takes the first. */
  async function deliverAtOnce(to: string, ids: readonly string[], type?: (id: string) => string) {
    await holdfast.consumers.pause(to, { by: 'the test' });
    for (const id of ids)
      await world.broker.send(to, id, { id, parts: [] }, type ? { type: type(id) } : undefined);
    await holdfast.consumers.resume(to, { by: 'the test' });
  }

  async function expectOneEffectEach(ids: readonly string[]): Promise<void> {
    const rows = await world.database.query<{ transaction_id: string; n: number }>(
      "select transaction_id, count(*)::int as n from effect where handler = 'batch' and transaction_id = any ($1) group by 1",
      [ids],
    );
    expect(new Map(rows.map(({ transaction_id, n }) => [transaction_id, n]))).toEqual(
      new Map(ids.map((id) => [id, 1])),
    );
  }

  async function rowOf(id: string): Promise<Record<string, unknown> | undefined> {
    const [row] = await world.database.query<Record<string, unknown>>(
      'select state, failed_attempts, copy_token, copy_confirmed from holdfast.inbox_message where transaction_id = $1',
      [id],
    );
    return row;
  }

  beforeAll(async () => {
    world = await World.create();
    holdfast = await world.start({ handlers: [Handlers] });
  });
  afterEach(() => {
    handlers().before = () => undefined;
  });
  afterAll(() => world.remove());

  it('calls the handler a few times for many messages, each call one transaction', async () => {
    const ids = idsOf('many', 200);
    await deliverAtOnce(queue, ids);
    for (const { acknowledged } of await completed(ids)) expect(acknowledged).toBe(true);
    await expectOneEffectEach(ids);
    const calls = handlers().calls.filter(([id]) => id?.startsWith('many-'));
    expect(calls.length).toBeLessThan(20);
    expect(Math.max(...calls.map(({ length }) => length))).toBe(50);
    const [row] = await world.database.query<{ n: number }>(
      "select count(distinct xmin::text)::int as n from holdfast.inbox_message where transaction_id like 'many-%'",
    );
    expect(row?.n).toBe(calls.length);
  });

  it('handles a lone message at once', async () => {
    await world.broker.send(queue, 'lone', { id: 'lone', parts: [] });
    await holdfast.outcome('lone', 'completed');
    expect(callsWith('lone')).toEqual([['lone']]);
  });

  it('takes repetitions out before the handler sees them, in the same burst and later', async () => {
    const ids = idsOf('twice', 30);
    await deliverAtOnce(queue, [...ids, ...ids]);
    await completed(ids);
    await Promise.all(ids.map((id) => holdfast.outcome(id, 'duplicate')));
    await deliverAtOnce(queue, [...ids, 'twice-new']);
    await completed(['twice-new']);
    for (const id of ids) expect(callsWith(id)).toHaveLength(1);
    await expectOneEffectEach([...ids, 'twice-new']);
  });

  it('lets the poison stand alone, and only it pays with an attempt', async () => {
    const ids = idsOf('poison', 50);
    handlers().doings.set('poison-17', () => {
      throw new TypeError('never');
    });
    await deliverAtOnce(queue, ids);
    for (const { delivery } of await completed(others(ids, 'poison-17'))) expect(delivery.attempt).toBe(1);
    const { outcome } = await holdfast.outcome('poison-17', 'dead-letter');
    expect(outcome).toMatchObject({ reason: 'attempts-exhausted', error: { name: 'TypeError' } });
    await expectOneEffectEach(others(ids, 'poison-17'));
    // Once in the whole batch, and once in each half down to itself; its retry comes alone.
    expect(callsWith('poison-17').length).toBeLessThanOrEqual(9);
    expect((await takeDeadLetter(world, queue)).properties.headers).toMatchObject({ 'x-retry-count': 2 });
  });

  it('gives each run of the handler the messages as they came', async () => {
    const ids = idsOf('fresh', 8);
    const seen: string[] = [];
    for (const id of ids)
      handlers().doings.set(id, ({ parts }) => {
        seen.push(...parts);
        parts.push('touched');
        if (id === 'fresh-5') throw new RangeError('no');
        return undefined;
      });
    await deliverAtOnce(queue, ids);
    await completed(others(ids, 'fresh-5'));
    await holdfast.outcome('fresh-5', 'dead-letter');
    expect(seen).toEqual([]);
  });

  it('keeps what a failed run has left behind out of every later transaction', async () => {
    const ids = idsOf('left', 4);
    const leftovers: Promise<unknown>[] = [];
    let isFirst = true;
    handlers().before = (_, ctx) => {
      if (!isFirst) return undefined;
      isFirst = false;
      const [message] = ctx.messages;
      const late = async (use: () => unknown): Promise<unknown> => {
        await sleep(50);
        return use();
      };
      leftovers.push(
        late(() => ctx.sql.query(INSERT, ['late', ['left-0']])),
        late(() => message?.sql.query(INSERT, ['late', ['left-0']])),
        late(() => ctx.publish('', queue, {})),
      );
      throw new Error('the first time');
    };
    await deliverAtOnce(queue, ids);
    await completed(ids);
    for (const leftover of leftovers)
      await expect(leftover).rejects.toThrow(/transaction of this message has ended/);
    expect(await world.effects('late')).toBe(0);
  });

  it('gives each message the end that the handler says, and commits the others', async () => {
    const ids = idsOf('each', 12);
    const { doings } = handlers();
    doings.set('each-1', () => new PermanentError('this one never'));
    doings.set('each-2', () => new Discard('too old'));
    let tries = 0;
    doings.set('each-3', () => (++tries === 1 ? new RetryLater('200ms') : undefined));
    let failures = 0;
    doings.set('each-4', () => (++failures === 1 ? new Error('once') : undefined));
    await deliverAtOnce(queue, ids);
    await completed(others(ids, 'each-1', 'each-2', 'each-3', 'each-4'));
    for (const id of others(ids, 'each-3', 'each-4')) expect(callsWith(id)).toHaveLength(1);
    expect((await holdfast.outcome('each-1', 'dead-letter')).outcome).toMatchObject({
      reason: 'permanent-error',
    });
    expect((await holdfast.outcome('each-2', 'discard')).outcome).toMatchObject({ reason: 'too old' });
    expect((await holdfast.outcome('each-3', 'retry')).outcome).toMatchObject({ delayMs: 200 });
    for (const { delivery } of await completed(['each-3', 'each-4'])) expect(delivery.attempt).toBe(2);
    await expectOneEffectEach(others(ids, 'each-1', 'each-2'));
    expect(await rowOf('each-1')).toMatchObject({ state: 'dead', failed_attempts: 1, copy_confirmed: true });
    expect(await rowOf('each-2')).toMatchObject({ state: 'discarded', copy_token: null });
    expect(await rowOf('each-3')).toMatchObject({ state: 'completed', copy_token: null });
  });

  it('gives retries back to their copies when they fail again among others', async () => {
    const ids = idsOf('again', 10);
    for (const id of ids) handlers().doings.set(id, () => new Error('not yet'));
    await deliverAtOnce(queue, ids);
    await Promise.all(ids.map((id) => holdfast.outcome(id, 'dead-letter')));
    for (const id of ids) {
      expect(await rowOf(id)).toMatchObject({ state: 'dead', failed_attempts: 2, copy_confirmed: true });
    }
  });

  it('takes a message that failed by itself, but has used the transaction, out by rolling back', async () => {
    const ids = idsOf('wrote', 6);
    handlers().before = async (_, ctx) => {
      const at = idsIn(ctx).indexOf('wrote-2');
      if (at < 0) return undefined;
      await ctx.messages[at]?.sql.query(INSERT, ['wrote', ['wrote-2']]);
      await ctx.sql.query(INSERT, ['batch', others(idsIn(ctx), 'wrote-2')]);
      return ctx.messages.map(({ id }) => (id === 'wrote-2' ? new PermanentError('after all') : undefined));
    };
    await deliverAtOnce(queue, ids);
    await completed(others(ids, 'wrote-2'));
    await holdfast.outcome('wrote-2', 'dead-letter');
    expect(await world.effects('wrote')).toBe(0);
    await expectOneEffectEach(others(ids, 'wrote-2'));
  });

  it('fails what a handler says of its messages when it says something else, and says what it expects', async () => {
    const ids = idsOf('odd', 3);
    handlers().before = () => [undefined, undefined, undefined, undefined];
    await deliverAtOnce(queue, ids);
    for (const id of ids) {
      const { outcome } = await holdfast.outcome(id, 'dead-letter');
      expect(outcome).toMatchObject({
        error: {
          name: 'BatchResultError',
          message: expect.stringMatching(/one entry for each .*\(here 1\).* an array of 4/) as string,
        },
      });
    }
    expect(await world.effects('batch', 'odd-0')).toBe(0);
  });

  it('blames a swallowed SQL error on the message whose statement failed', async () => {
    const ids = idsOf('swallow', 8);
    handlers().before = async (_, ctx) => {
      if (idsIn(ctx).includes('swallow-6')) await ctx.sql.query('select 1 / 0').catch(() => undefined);
      await ctx.sql.query(INSERT, ['batch', idsIn(ctx)]).catch(() => undefined);
      return [...ctx.messages].fill(undefined as never);
    };
    await deliverAtOnce(queue, ids);
    await completed(others(ids, 'swallow-6'));
    const { outcome } = await holdfast.outcome('swallow-6', 'dead-letter');
    expect(outcome).toMatchObject({ error: { name: 'SwallowedSqlError' } });
    await expectOneEffectEach(others(ids, 'swallow-6'));
  });

  it('finds the one that hangs, and aborts what the others share with it', async () => {
    const ids = idsOf('hang', 4);
    let hangs = true;
    const reasons: unknown[] = [];
    handlers().before = async (_, ctx) => {
      if (!hangs || !idsIn(ctx).includes('hang-1')) return;
      ctx.signal.addEventListener('abort', () => reasons.push(ctx.messages[0]?.signal.reason));
      await ctx.sql.query('select pg_sleep(30)');
    };
    await deliverAtOnce(queue, ids);
    const retried = await holdfast.outcome('hang-1', 'retry');
    expect(retried.outcome).toMatchObject({ reason: 'HandlerTimeoutError' });
    hangs = false;
    for (const { delivery } of await completed(others(ids, 'hang-1'))) expect(delivery.attempt).toBe(1);
    expect((await completed(['hang-1']))[0]?.delivery.attempt).toBe(2);
    await expectOneEffectEach(ids);
    expect(reasons.map(String)[0]).toMatch(/did not finish within its timeout of 1000 ms/);
  });

  it('halves no further when both halves take too long: that is not the doing of one message', async () => {
    const ids = idsOf('slow', 16);
    let isSlow = true;
    handlers().before = async (_, ctx) => {
      if (isSlow) await new Promise((resolve) => ctx.signal.addEventListener('abort', resolve));
    };
    await deliverAtOnce(queue, ids);
    const retried = await Promise.all(ids.map((id) => holdfast.outcome(id, 'retry')));
    isSlow = false;
    for (const { outcome } of retried) expect(outcome).toMatchObject({ reason: 'HandlerTimeoutError' });
    // The batches they came in, and two halves of each.
    const sizes = handlers()
      .calls.filter(([id]) => id?.startsWith('slow-'))
      .map(({ length }) => length);
    expect(sizes.length).toBeLessThanOrEqual(3 * 4);
    await completed(ids);
    await expectOneEffectEach(ids);
  });

  it('runs a batch that lost a race again, for free', async () => {
    const ids = idsOf('race', 5);
    let races = 2;
    handlers().before = async (_, ctx) => {
      if (races-- > 0)
        await ctx.sql.query("do $$ begin raise exception 'lost' using errcode = '40P01'; end $$");
    };
    await deliverAtOnce(queue, ids);
    for (const { delivery } of await completed(ids)) expect(delivery.attempt).toBe(1);
    const calls = handlers().calls.filter((called) => called.some((id) => id.startsWith('race-')));
    expect(Math.max(...calls.map(({ length }) => length))).toBe(calls.at(-1)?.length);
    await expectOneEffectEach(ids);
  });

  it('handles batches without a database where there is no idempotency', async () => {
    const ids = idsOf('plain', 60);
    handlers().doings.set('plain-9', () => {
      throw new PermanentError('never');
    });
    handlers().doings.set('plain-30', () => new PermanentError('never'));
    handlers().doings.set('plain-31', (_, ctx) => {
      expect(() => ctx.tx).toThrow(/ctx\.tx needs idempotency 'transactional'; Handlers\.onPlain has 'off'/);
      return undefined;
    });
    await deliverAtOnce(plain, ids);
    await completed(others(ids, 'plain-9', 'plain-30'));
    await holdfast.outcome('plain-9', 'dead-letter');
    await holdfast.outcome('plain-30', 'dead-letter');
    expect(Math.max(...callsWith('plain-50').map(({ length }) => length))).toBeGreaterThan(1);
    expect(await rowOf('plain-1')).toBeUndefined();
  });

  it('makes batches of each type for its own handler', async () => {
    const ids = idsOf('typed', 40);
    const typeOf = (id: string): string => (Number(id.split('-')[1]) % 2 === 0 ? 'large' : 'small');
    await deliverAtOnce(typed, ids, typeOf);
    await completed(ids);
    expect(await world.effects('large')).toBe(20);
    expect(await world.effects('small')).toBe(20);
    for (const call of handlers().calls.filter(([id]) => id?.startsWith('typed-')))
      expect(new Set(call.map(typeOf)).size).toBe(1);
  });

  it('publishes with the batch, or not at all', async () => {
    const ids = idsOf('publish', 6);
    const out = aQueue('out');
    await (await world.broker.ready()).assertQueue(out, { durable: true });
    handlers().before = async (_, ctx) => {
      await ctx.publish('', out, { of: idsIn(ctx) }, { messageId: idsIn(ctx).join() });
      for (const message of ctx.messages) await message.publish('', out, { of: message.id });
      if (idsIn(ctx).includes('publish-4')) throw new PermanentError('never');
      return undefined;
    };
    await deliverAtOnce(queue, ids);
    await completed(others(ids, 'publish-4'));
    await holdfast.outcome('publish-4', 'dead-letter');
    const bodies: unknown[] = [];
    while (bodies.flat().length < 10) {
      const { of } = JSON.parse((await world.broker.take(out)).content.toString()) as { of: unknown };
      bodies.push(of);
    }
    expect(bodies.flat().sort()).toEqual([...others(ids, 'publish-4'), ...others(ids, 'publish-4')].sort());
  });

  it('is registered and seen at run time as well', async () => {
    const later = aQueue('later');
    const seen: string[][] = [];
    holdfast.consumers.registerBatch<Order>({ queue: later, batchSize: 25 }, (orders) => {
      seen.push(orders.map(({ id }) => id));
    });
    await holdfast.attached();
    expect(holdfast.consumers.get(later)).toMatchObject({
      handlers: [{ class: 'consumers.registerBatch', batchSize: 25 }],
      concurrency: 50,
      prefetch: 100,
    });
    await world.broker.send(later, 'later-1', { id: 'later-1', parts: [] });
    await holdfast.outcome('later-1', 'completed');
    expect(seen).toEqual([['later-1']]);
    await holdfast.consumers.unregister(later);
  });
});
