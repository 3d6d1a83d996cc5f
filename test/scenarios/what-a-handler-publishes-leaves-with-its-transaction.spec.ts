import { Discard, ReliableConsumer, type MessageContext } from 'holdfast';
import { OutboxRelay, OutboxSweep } from '../../src/outbox/outbox.module';
import { eventually } from '../support/eventually';
import { aQueue, World, type RunningHoldfast } from '../support/holdfast';

const queue = aQueue('orders');
const off = aQueue('off');
const out = aQueue('out');
const TRACEPARENT = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';

type Work = (ctx: MessageContext) => unknown;

class Orders {
  readonly work = new Map<string, Work>();

  @ReliableConsumer({ queue, retry: { delays: ['100ms'] }, timeout: '500ms' })
  async on(_: unknown, ctx: MessageContext): Promise<void> {
    await this.work.get(ctx.id)?.(ctx);
  }

  @ReliableConsumer({ queue: off, retry: false, idempotency: 'off' })
  async onOff(_: unknown, ctx: MessageContext): Promise<void> {
    await this.work.get(ctx.id)?.(ctx);
  }
}

interface OutboxRow extends Record<string, unknown> {
  readonly exchange: string;
  readonly attempts: number;
  readonly last_error: string | null;
}

describe('what a handler publishes leaves with its transaction', () => {
  let world: World;
  let holdfast: RunningHoldfast;
  let isDead = false;
  const handle = async (id: string, work: Work, to = queue, options = {}): Promise<void> => {
    holdfast.app.get(Orders).work.set(id, work);
    await world.broker.send(to, id, {}, options);
  };
  const outbox = (): Promise<OutboxRow[]> =>
    world.database.query<OutboxRow>(
      'select exchange, attempts, last_error from holdfast.outbox_message order by sequence',
    );
  const isEmpty = (): Promise<void> =>
    eventually(async () => {
      expect(await outbox()).toEqual([]);
    });

  beforeAll(async () => {
    world = await World.create();
    await (await world.broker.ready()).assertQueue(out, { durable: true });
    // Where the process would die: committed, and not handed to the broker.
    const relay = Reflect.get<OutboxRelay, 'relay'>(OutboxRelay.prototype, 'relay');
    jest.spyOn(OutboxRelay.prototype, 'relay').mockImplementation(function (this: OutboxRelay, ...bundle) {
      if (!isDead) relay.call(this, ...bundle);
    });
    holdfast = await world.start({ handlers: [Orders] });
  });
  afterAll(() => world.remove());

  it('once, after the commit, in its order, with what it says about itself', async () => {
    await handle(
      'p-1',
      async (ctx) => {
        for (let i = 0; i < 20; i++) await ctx.publish('', out, { i });
        await ctx.publish('', out, Buffer.from([0, 255]), {
          messageId: 'mine',
          type: 'order.accepted',
          correlationId: 'c',
          contentType: 'image/png',
          priority: 3,
          headers: { tenant: 'x', deep: { list: [1, 'two', null] } },
        });
        expect(await world.broker.depth(out)).toBe(0);
      },
      queue,
      { headers: { traceparent: TRACEPARENT } },
    );
    await holdfast.outcome('p-1', 'completed');
    const ids = new Set<unknown>();
    for (let i = 0; i < 20; i++) {
      const { content, properties } = await world.broker.take(out);
      expect(JSON.parse(content.toString())).toEqual({ i });
      expect(properties).toMatchObject({
        contentType: 'application/json',
        deliveryMode: 2,
        headers: { traceparent: TRACEPARENT },
      });
      ids.add(properties.messageId);
    }
    expect(ids.size).toBe(20);
    const { content, properties } = await world.broker.take(out);
    expect([...content]).toEqual([0, 255]);
    expect(properties).toMatchObject({
      messageId: 'mine',
      type: 'order.accepted',
      correlationId: 'c',
      contentType: 'image/png',
      priority: 3,
      deliveryMode: 2,
      headers: { tenant: 'x', deep: { list: [1, 'two', null] } },
    });
    expect(await world.broker.depth(out)).toBe(0);
    await isEmpty();
  });

  it('not at all when the handler fails, and once when a later try succeeds', async () => {
    await handle('p-2', async (ctx) => {
      await ctx.publish('', out, { attempt: ctx.attempt });
      if (ctx.attempt === 1) throw new Error('once');
    });
    await holdfast.outcome('p-2', 'completed');
    expect(JSON.parse((await world.broker.take(out)).content.toString())).toEqual({ attempt: 2 });
    await isEmpty();
    expect(await world.broker.depth(out)).toBe(0);
  });

  it.each<[string, Work]>([
    ['is discarded', (ctx) => ctx.publish('', out, {}).then(() => Promise.reject(new Discard('unwanted')))],
    [
      'is run again after a lost race',
      async (ctx) => {
        await ctx.publish('', out, {});
        await ctx.sql.query("do $$ begin raise exception 'lost' using errcode = '40001'; end $$");
      },
    ],
    [
      'runs out of time',
      async (ctx) => {
        await ctx.publish('', out, {});
        await new Promise((resolve) => setTimeout(resolve, 700));
        await ctx.publish('', out, { late: true });
      },
    ],
  ])('not at all when the message %s', async (name, work) => {
    await handle(`rolled back ${name}`, work);
    await Promise.race([
      holdfast.outcome(`rolled back ${name}`, 'discard'),
      holdfast.outcome(`rolled back ${name}`, 'dead-letter'),
    ]);
    // Long enough for a handler that was left behind to come to its last line.
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(await outbox()).toEqual([]);
    expect(await world.broker.depth(out)).toBe(0);
  });

  it('later, when its exchange does not exist yet: it waits with the error and what follows it, holds no other message up, and leaves when it can', async () => {
    const exchange = aQueue('exchange');
    await handle('p-3', async (ctx) => {
      await ctx.publish(exchange, 'key', { waits: true });
      await ctx.publish('', out, { follows: true });
    });
    await holdfast.outcome('p-3', 'completed');
    await handle('p-3b', (ctx) => ctx.publish('', out, { goes: true }));
    expect(JSON.parse((await world.broker.take(out)).content.toString())).toEqual({ goes: true });
    await eventually(async () => {
      const [row, ...others] = await outbox();
      expect(others).toMatchObject([{ attempts: 0 }]);
      expect(row).toMatchObject({ exchange });
      expect(row?.attempts).toBeGreaterThan(0);
      expect(row?.last_error).toMatch(/^UnroutableError: .*exchange does not exist/);
    });

    const channel = await world.broker.ready();
    await channel.assertExchange(exchange, 'fanout', { durable: true });
    await channel.bindQueue(out, exchange, '');
    expect(JSON.parse((await world.broker.take(out, 20_000)).content.toString())).toEqual({ waits: true });
    expect(JSON.parse((await world.broker.take(out)).content.toString())).toEqual({ follows: true });
    await isEmpty();
  });

  it('from another replica, when the process died between commit and publication', async () => {
    isDead = true;
    const sweepless = jest.spyOn(holdfast.app.get(OutboxSweep), 'sweep').mockResolvedValue(0);
    await handle('p-4', async (ctx) => {
      await ctx.publish('', out, { first: true }, { messageId: 'first' });
      await ctx.publish('', out, { second: true }, { messageId: 'second' });
    });
    await holdfast.outcome('p-4', 'completed');
    expect(await outbox()).toHaveLength(2);
    expect(await world.broker.depth(out)).toBe(0);
    // Ten seconds go by.
    await world.database.query('update holdfast.outbox_message set next_try_at = now()');
    isDead = false;
    const replica = await world.start({ handlers: [] });
    expect((await world.broker.take(out)).properties.messageId).toBe('first');
    expect((await world.broker.take(out)).properties.messageId).toBe('second');
    await isEmpty();
    await replica.stop();
    sweepless.mockRestore();
  });

  it('at once and confirmed, without idempotency; a failure of it is a failure of the handler', async () => {
    let confirmed = -1;
    await handle(
      'p-5',
      async (ctx) => {
        await ctx.publish('', out, {});
        confirmed = await world.broker.depth(out);
      },
      off,
    );
    await holdfast.outcome('p-5', 'completed');
    expect(confirmed).toBe(1);
    await world.broker.take(out);
    await handle('p-6', (ctx) => ctx.publish('nowhere', 'x', {}), off);
    expect((await holdfast.outcome('p-6', 'dead-letter')).outcome).toMatchObject({
      error: { name: 'UnroutableError' },
    });
  });

  it('a body that has no JSON is a failure of the handler', async () => {
    const loop: Record<string, unknown> = {};
    loop['loop'] = loop;
    await handle('p-7', (ctx) => ctx.publish('', out, loop));
    expect((await holdfast.outcome('p-7', 'dead-letter')).outcome).toMatchObject({
      error: { name: 'TypeError' },
    });
  });
});
