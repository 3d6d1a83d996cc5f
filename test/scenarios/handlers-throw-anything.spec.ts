import { Discard, Rejected, ReliableConsumer, type MessageContext } from 'holdfast';
import { takeDeadLetter, type DeadLetter } from '../support/dead-letters';
import { eventually } from '../support/eventually';
import { HOSTILE_VALUES } from '../support/hostile-values';
import { aQueue, World, type RunningHoldfast } from '../support/holdfast';

const transactional = aQueue('transactional');
const off = aQueue('off');
/** What a retry policy, a rule and an immediate retry look at. */
const judged = aQueue('judged');

type Work = (ctx: MessageContext) => unknown;

const works = new Map<string, Work>();
const handle = (ctx: MessageContext): unknown => works.get(ctx.id)?.(ctx);
const RETRY = { delays: ['100ms'] };

class Handlers {
  @ReliableConsumer({ queue: transactional, retry: RETRY, timeout: '1s' })
  async on(_: unknown, ctx: MessageContext): Promise<unknown> {
    await ctx.sql.query('insert into effect values ($1, $2)', ['thrown', ctx.id]);
    return handle(ctx);
  }

  @ReliableConsumer({ queue: off, retry: RETRY, timeout: '1s', idempotency: 'off' })
  onOff(_: unknown, ctx: MessageContext): unknown {
    return handle(ctx);
  }

  @ReliableConsumer({
    queue: judged,
    retry: RETRY,
    immediateRetries: 1,
    classify: [
      { when: RangeError, then: 'discard' },
      { when: (error) => (error as { code: string }).code === 'GONE', then: 'discard' },
    ],
  })
  onJudged(_: unknown, ctx: MessageContext): unknown {
    return handle(ctx);
  }
}

const unwaitable = Object.defineProperty({}, 'then', {
  get: () => {
    throw new Error('then');
  },
});
/** As plain JavaScript calls it. */
const loosely = (make: unknown, ...args: unknown[]): unknown => Reflect.construct(make as () => void, args);

describe('handlers throw anything', () => {
  let world: World;
  let holdfast: RunningHoldfast;
  const changes: unknown[] = [];
  const unhandled: unknown[] = [];
  const note = (reason: unknown): void => void unhandled.push(reason);

  beforeAll(async () => {
    world = await World.create();
    holdfast = await world.start({ handlers: [Handlers] });
    for (const name of ['dependency.changed', 'connection.changed', 'consumer.changed'] as const)
      holdfast.events.on(name, (change) => changes.push({ name, ...change }));
    process.on('unhandledRejection', note);
    // From the start on: copies can be published.
    await world.broker.send(off, 'first', Buffer.from('no JSON'));
    await takeDeadLetter(world, off);
    changes.splice(0);
  });
  afterAll(async () => {
    process.off('unhandledRejection', note);
    await world.remove();
  });
  /** Nobody else notices anything, and nothing is left behind. */
  const expectOrder = async (label: string): Promise<void> => {
    for (const queue of [transactional, off, judged]) {
      const id = `after ${label} in ${queue}`;
      await world.broker.send(queue, id, {});
      await holdfast.outcome(id, 'completed', 10_000);
      await eventually(() =>
        expect(holdfast.consumers.get(queue)).toMatchObject({ state: 'running', inFlight: 0, waiting: 0 }),
      );
    }
    expect(unhandled.splice(0)).toEqual([]);
    const [open] = await world.database.query<{ n: number }>(
      "select count(*)::int as n from pg_stat_activity where datname = current_database() and state like 'idle in transaction%'",
    );
    expect(open?.n).toBe(0);
  };
  const send = (queue: string, name: string, work: Work): Promise<void> => {
    const id = `${name} in ${queue}`;
    works.set(id, work);
    return world.broker.send(queue, id, {});
  };
  const throwing =
    (thrown: () => unknown): Work =>
    () => {
      throw thrown();
    };

  it.each([
    ['in a transaction', transactional],
    ['without one', off],
    ['under rules and immediate retries', judged],
  ])(
    'everything that can be thrown (%s) uses up its tries and is a dead letter that says what can be said',
    async (_, queue) => {
      const names = Object.keys(HOSTILE_VALUES);
      for (const name of names) await send(queue, name, throwing(HOSTILE_VALUES[name]!));
      const parked = new Map<string, DeadLetter>();
      for (const _each of names) {
        const dead = await takeDeadLetter(world, queue);
        parked.set(String(dead.properties.messageId), dead);
      }
      for (const name of names) {
        const { reason, error = '', headers } = parked.get(`${name} in ${queue}`) ?? {};
        expect({ name, reason, tries: headers?.['x-retry-count'] }).toEqual({
          name,
          reason: 'attempts-exhausted',
          tries: 2,
        });
        expect({ name, error }).toEqual({ name, error: expect.stringMatching(/^\w+: /) as unknown });
        expect(Buffer.byteLength(error)).toBeLessThanOrEqual(1_024);
      }
      const kept = "select transaction_id from effect where transaction_id not like 'after %'";
      expect(await world.database.query(kept)).toEqual([]);
      await expectOrder('everything');
      expect(changes.splice(0)).toEqual([]);
    },
    30_000,
  );

  it.each<[string, () => unknown, string, string]>([
    ['Discard without a reason', () => loosely(Discard), 'discard', 'no reason given'],
    ['Discard for an object', () => loosely(Discard, { code: 7 }), 'discard', '{"code":7}'],
    ['Discard for a novel', () => new Discard('x'.repeat(1_000_000)), 'discard', 'x'.repeat(1_000)],
    ['Discard for NUL', () => new Discard('a\0b'), 'discard', 'a\0b'],
    ['Rejected without a reason', () => loosely(Rejected), 'dead-letter', 'permanent-error'],
    ['Rejected for a symbol', () => loosely(Rejected, Symbol('x'), 'no'), 'dead-letter', 'permanent-error'],
  ])('%s', async (name, make, kind, reason) => {
    for (const queue of [transactional, off]) {
      await send(queue, name, throwing(make));
      const { outcome } = await holdfast.outcome(`${name} in ${queue}`, kind as 'discard', 10_000);
      expect(outcome).toMatchObject({ reason });
      if (kind === 'dead-letter') await takeDeadLetter(world, queue);
    }
    await expectOrder(name);
    expect(changes.splice(0)).toEqual([]);
  });

  it.each<[string, Work, RegExp]>([
    ['rejects with a novel', () => Promise.reject(new Error('x'.repeat(10_000_000))), /^Error: x+…$/],
    ['publishes what cannot be published', (ctx) => ctx.publish('', 'somewhere', 1n), /^TypeError: /],
    ['returns what cannot be waited for', () => unwaitable, /^Error: then$/],
  ])('a handler that %s', async (name, work, error) => {
    for (const queue of [transactional, off]) {
      await send(queue, name, work);
      const dead = await takeDeadLetter(world, queue);
      expect(dead).toMatchObject({
        reason: 'attempts-exhausted',
        error: expect.stringMatching(error) as unknown,
      });
    }
    await expectOrder(name);
    expect(changes.splice(0)).toEqual([]);
  });

  it.each<[string, Work]>([
    ['returns a thenable that never settles', () => ({ then: () => undefined })],
    [
      'throws once it is aborted',
      (ctx) => new Promise((_, reject) => onAbort(ctx, () => reject(new Error('too late')))),
    ],
  ])(
    'a handler that %s is timed out',
    async (name, work) => {
      for (const queue of [transactional, off]) await send(queue, name, work);
      for (const queue of [transactional, off])
        expect(await takeDeadLetter(world, queue)).toMatchObject({
          reason: 'attempts-exhausted',
          error: expect.stringMatching(/^HandlerTimeoutError: /) as unknown,
        });
      await expectOrder(name);
    },
    20_000,
  );
});

function onAbort(ctx: MessageContext, act: () => void): void {
  ctx.signal.addEventListener('abort', act);
}
