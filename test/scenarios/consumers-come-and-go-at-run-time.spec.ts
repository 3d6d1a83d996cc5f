import { setTimeout as sleep } from 'node:timers/promises';
import { HandlerConfigurationError, UnknownConsumerError, type MessageContext } from 'holdfast';
import { takeDeadLetter } from '../support/dead-letters';
import { eventually } from '../support/eventually';
import { aQueue, World, type RunningHoldfast } from '../support/holdfast';

const recording =
  (handler: string) =>
  async (_: unknown, ctx: MessageContext): Promise<void> => {
    await ctx.tx.query('insert into effect values ($1, $2)', [handler, ctx.id]);
  };

describe('consumers come and go at run time', () => {
  let world: World;
  let holdfast: RunningHoldfast;

  beforeAll(async () => {
    world = await World.create();
    holdfast = await world.start({ handlers: [] });
  });
  afterAll(() => world.remove());

  it('one that is registered has the same options and guarantees as a decorated method', async () => {
    const queue = aQueue('registered');
    holdfast.consumers.register<{ fail?: boolean }>(
      { queue, retry: { delays: ['100ms'] }, concurrency: 3 },
      async function handleOrder({ fail }, ctx) {
        await recording('registered')(undefined, ctx);
        if (fail) throw new TypeError('no');
      },
    );
    await holdfast.attached();
    expect(holdfast.consumers.get(queue)).toMatchObject({
      concurrency: 3,
      handlers: [{ class: 'consumers.register', method: 'handleOrder' }],
    });
    await world.broker.send(queue, 'r-1', {});
    await world.broker.send(queue, 'r-1', {});
    await holdfast.outcome('r-1', 'duplicate');
    await world.broker.send(queue, 'r-2', { fail: true });
    expect(await takeDeadLetter(world, queue)).toMatchObject({
      reason: 'attempts-exhausted',
      headers: { 'x-retry-count': 2, 'holdfast-handler': 'consumers.register.handleOrder' },
    });
    expect(await world.effects('registered')).toBe(1);
  });

  it('a queue has one consumer; wrong options are refused and leave nothing behind', () => {
    const queue = aQueue('once');
    holdfast.consumers.register(queue, recording('first'));
    expect(() => holdfast.consumers.register(queue, recording('second'))).toThrow(
      /the queue "once-.*" has handlers already \(consumers\.register\.handler\); unregister them first/,
    );
    const other = aQueue('wrong');
    expect(() => holdfast.consumers.register({ queue: other, concurrency: 0 }, recording('x'))).toThrow(
      HandlerConfigurationError,
    );
    expect(() =>
      holdfast.consumers.register({ queue: other, retry: { delays: ['200d'] } }, recording('x')),
    ).toThrow(/HOLDFAST_INBOX_RETENTION/);
    expect(() => holdfast.consumers.get(other)).toThrow(UnknownConsumerError);
    holdfast.consumers.register(other, recording('x'));
    expect(holdfast.consumers.get(other).queue).toBe(other);
  });

  it('one that is unregistered leaves its queue and messages; another may take them over', async () => {
    const queue = aQueue('left');
    holdfast.consumers.register(queue, recording('before'));
    await holdfast.attached();
    await world.broker.send(queue, 'l-1', {});
    await holdfast.outcome('l-1', 'completed');

    await holdfast.consumers.unregister(queue);
    expect(() => holdfast.consumers.get(queue)).toThrow(UnknownConsumerError);
    await expect(holdfast.consumers.unregister(queue)).rejects.toThrow(UnknownConsumerError);
    await world.broker.send(queue, 'l-2', {});
    await eventually(async () => {
      expect(await world.broker.depth(queue)).toBe(1);
    });

    holdfast.consumers.register(queue, recording('after'));
    await holdfast.outcome('l-2', 'completed');
    expect(await world.effects('before', 'l-2')).toBe(0);
    expect(await world.effects('after', 'l-2')).toBe(1);
  });

  it('while traffic flows: every message takes effect once, whoever had it', async () => {
    const queue = aQueue('traffic');
    const total = 300;
    const slow = async (payload: unknown, ctx: MessageContext): Promise<void> => {
      await recording('traffic')(payload, ctx);
      await sleep(5);
    };
    holdfast.consumers.register({ queue, concurrency: 5 }, slow);
    await holdfast.attached();
    const sending = (async () => {
      for (let i = 0; i < total; i++) await world.broker.send(queue, `t-${i}`, { i });
    })();
    for (let round = 0; round < 4; round++) {
      await eventually(async () => {
        expect(await world.effects('traffic')).toBeGreaterThan(round * 40);
      });
      await holdfast.consumers.unregister(queue);
      const inFlight = holdfast.settled.filter(({ delivery }) => delivery.queue === queue).length;
      // Whatever ran has been finished: nothing of that queue is settled any more.
      await sleep(30);
      expect(holdfast.settled.filter(({ delivery }) => delivery.queue === queue)).toHaveLength(inFlight);
      holdfast.consumers.register({ queue, concurrency: 5 }, slow);
    }
    await sending;
    await eventually(async () => {
      expect(await world.effects('traffic')).toBe(total);
    });
    const rows = await world.database.query<{ n: number }>(
      "select count(distinct transaction_id)::int as n from effect where handler = 'traffic'",
    );
    expect(rows[0]?.n).toBe(total);
    expect(await world.broker.depth(`${queue}.dlq`)).toBe(0);
  });

  it('waits for a running handler before it is gone, and can be registered again right after', async () => {
    const queue = aQueue('running');
    let release = (): void => undefined;
    const held = new Promise<void>((resolve) => (release = resolve));
    let started = (): void => undefined;
    const running = new Promise<void>((resolve) => (started = resolve));
    holdfast.consumers.register(queue, async (payload, ctx) => {
      started();
      await held;
      await recording('running')(payload, ctx);
    });
    await holdfast.attached();
    await world.broker.send(queue, 'w-1', {});
    await running;
    const gone = holdfast.consumers.unregister(queue);
    expect(() => holdfast.consumers.register(queue, recording('early'))).toThrow(/has handlers already/);
    release();
    await gone;
    expect((await holdfast.outcome('w-1', 'completed')).acknowledged).toBe(true);
    holdfast.consumers.register(queue, recording('late'));
    await world.broker.send(queue, 'w-2', {}).then(() => holdfast.outcome('w-2', 'completed'));
    expect(await world.effects('running', 'w-1')).toBe(1);
    expect(await world.effects('late')).toBe(1);
  });
});
