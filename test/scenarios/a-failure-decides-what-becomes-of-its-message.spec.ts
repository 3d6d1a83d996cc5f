import {
  Discard,
  exponential,
  PermanentError,
  ReliableConsumer,
  RetryLater,
  type MessageContext,
} from 'holdfast';
import { takeDeadLetter } from '../support/dead-letters';
import { aQueue, World, type RunningHoldfast, type Settled } from '../support/holdfast';

const queue = aQueue('orders');
const impatient = aQueue('impatient');
const once = aQueue('once');
const growing = aQueue('growing');
const slow = aQueue('slow');
const patient = aQueue('patient');

class Declined extends Error {}
class RateLimited {
  constructor(readonly status: number) {}
}
class Refused extends Error {
  constructor(readonly code: string) {
    super(`refused with ${code}`);
  }
}

type Work = (ctx: MessageContext) => unknown;

class Handlers {
  readonly work = new Map<string, Work>();
  readonly calls = new Map<string, number[]>();

  @ReliableConsumer({
    queue,
    retry: { delays: ['100ms', '100ms'] },
    classify: [
      { when: Declined, then: 'dead-letter' },
      { when: RateLimited, then: { retryAfter: '150ms' } },
      { when: (error) => (error as Refused).code === 'GONE', then: 'discard' },
      { when: Refused, then: 'retry' },
    ],
  })
  on(_: unknown, ctx: MessageContext): unknown {
    return this.run(ctx);
  }

  @ReliableConsumer({ queue: impatient, retry: { delays: ['100ms'] }, immediateRetries: 2 })
  onImpatient(_: unknown, ctx: MessageContext): unknown {
    return this.run(ctx);
  }

  @ReliableConsumer({ queue: once, retry: false })
  onOnce(_: unknown, ctx: MessageContext): unknown {
    return this.run(ctx);
  }

  @ReliableConsumer({
    queue: growing,
    retry: exponential({ attempts: 4, initial: '100ms', factor: 2, max: '300ms', jitter: 0.5 }),
  })
  onGrowing(_: unknown, ctx: MessageContext): unknown {
    return this.run(ctx);
  }

  @ReliableConsumer({ queue: patient, retry: { delays: ['60d'] }, idempotency: 'off' })
  onPatient(_: unknown, ctx: MessageContext): unknown {
    return this.run(ctx);
  }

  @ReliableConsumer({ queue: slow, retry: { delays: ['100ms'] }, timeout: '200ms', concurrency: 1 })
  onSlow(_: unknown, ctx: MessageContext): unknown {
    return this.run(ctx);
  }

  private run(ctx: MessageContext): unknown {
    this.calls.set(ctx.id, [...(this.calls.get(ctx.id) ?? []), Date.now()]);
    return this.work.get(ctx.id)?.(ctx);
  }
}

function throwing(thrown: unknown): Work {
  return () => {
    throw thrown;
  };
}

const throwingGetter = Object.defineProperty({}, 'message', {
  get: () => {
    throw new Error('no');
  },
});

describe('a failure decides what becomes of its message', () => {
  let world: World;
  let holdfast: RunningHoldfast;
  const handle = async (id: string, work: Work, to = queue): Promise<void> => {
    holdfast.app.get(Handlers).work.set(id, work);
    await world.broker.send(to, id, { id });
  };
  const callsOf = (id: string): number[] => holdfast.app.get(Handlers).calls.get(id) ?? [];
  const outcomesOf = (id: string): Settled['outcome'][] =>
    holdfast.settled.filter(({ transactionId }) => transactionId === id).map(({ outcome }) => outcome);

  beforeAll(async () => {
    world = await World.create();
    holdfast = await world.start({ handlers: [Handlers] });
  });
  afterAll(() => world.remove());

  it.each<[string, unknown, number, object]>([
    ['any error: all tries', new TypeError('x'), 3, { reason: 'attempts-exhausted', error: 'TypeError: x' }],
    [
      'PermanentError: one try',
      new PermanentError('x'),
      1,
      { reason: 'permanent-error', error: 'PermanentError: x' },
    ],
    ['a rule by class', new Declined('card'), 1, { reason: 'permanent-error', error: 'Declined: card' }],
    ['a rule that says retry', new Refused('BUSY'), 3, { reason: 'attempts-exhausted' }],
    ['undefined', undefined, 3, { reason: 'attempts-exhausted', error: 'NonError: undefined' }],
    ['null', null, 3, { reason: 'attempts-exhausted' }],
    ['a string', 'broken', 3, { reason: 'attempts-exhausted', error: 'NonError: broken' }],
    ['a frozen error', Object.freeze(new Error('cold')), 3, { error: 'Error: cold' }],
    ['an object with a throwing getter', throwingGetter, 3, { reason: 'attempts-exhausted' }],
    [
      'an error with a NUL and half a surrogate',
      new Error('a\0b\ud800c'),
      3,
      { reason: 'attempts-exhausted' },
    ],
    ['an error of an error', new Error('outer', { cause: new Error('inner') }), 3, { error: 'Error: outer' }],
  ])('throws %s', async (name, thrown, tries, dead) => {
    await handle(name, throwing(thrown));
    expect(await takeDeadLetter(world, queue)).toMatchObject(dead);
    expect(callsOf(name)).toHaveLength(tries);
  });

  it('a rule may wait as long as it likes, and uses up attempts', async () => {
    await handle('limited', throwing(new RateLimited(429)));
    await holdfast.outcome('limited', 'dead-letter');
    expect(outcomesOf('limited')).toMatchObject([
      { kind: 'retry', delayMs: 150 },
      { kind: 'retry', delayMs: 150 },
      { kind: 'dead-letter', reason: 'attempts-exhausted' },
    ]);
    await takeDeadLetter(world, queue);
  });

  it('a rule may discard', async () => {
    await handle('gone', throwing(new Refused('GONE')));
    expect((await holdfast.outcome('gone', 'discard')).outcome).toMatchObject({
      reason: 'refused with GONE',
    });
    await world.broker.send(queue, 'gone', { id: 'gone' });
    await holdfast.outcome('gone', 'duplicate');
  });

  it('Discard is recorded and has no effect', async () => {
    await handle('old', async (ctx) => {
      await ctx.tx.query('insert into effect values ($1, $2)', ['old', ctx.id]);
      throw new Discard('too old');
    });
    await holdfast.outcome('old', 'discard');
    expect(await world.effects('old')).toBe(0);
    expect(
      await world.database.query(
        "select state, reason from holdfast.inbox_message where transaction_id = 'old'",
      ),
    ).toEqual([{ state: 'discarded', reason: 'too old' }]);
  });

  it('RetryLater waits its own delay, however odd, and not less', async () => {
    await handle('later', (ctx) => {
      if (ctx.attempt === 1) throw new RetryLater(1_300);
    });
    await holdfast.outcome('later', 'completed');
    const [first = 0, second = 0] = callsOf('later');
    expect(second - first).toBeGreaterThanOrEqual(1_295);
    expect(second - first).toBeLessThan(3_500);
  });

  it.each(['soon', '5', 'a week', '99999999w'])(
    'RetryLater(%j) is no delay: a failure like any other',
    async (delay) => {
      await handle(`later ${delay}`, () => {
        throw new RetryLater(delay);
      });
      expect(await takeDeadLetter(world, queue)).toMatchObject({
        reason: 'attempts-exhausted',
        error: expect.stringMatching(/^RangeError: /) as unknown,
      });
    },
  );

  it('a delay may be longer than RabbitMQ can count', async () => {
    await handle('patient', throwing(new Error('in two months')), patient);
    expect(await holdfast.outcome('patient', 'retry')).toMatchObject({
      acknowledged: true,
      outcome: { delayMs: 5_184_000_000 },
    });
  });

  it('immediate retries come before the policy and cost no attempt, each in a fresh transaction', async () => {
    await handle(
      'impatient',
      async (ctx) => {
        await ctx.tx.query('insert into effect values ($1, $2)', ['impatient', ctx.id]);
        if (callsOf('impatient').length < 3) throw new Error('not yet');
      },
      impatient,
    );
    await holdfast.outcome('impatient', 'completed');
    expect(outcomesOf('impatient')).toEqual([{ kind: 'completed' }]);
    expect(await world.effects('impatient')).toBe(1);

    await handle('hopeless', throwing(new Error('never')), impatient);
    await holdfast.outcome('hopeless', 'dead-letter');
    expect(callsOf('hopeless')).toHaveLength(6);

    await handle('permanent', throwing(new PermanentError('no')), impatient);
    await holdfast.outcome('permanent', 'dead-letter');
    expect(callsOf('permanent')).toHaveLength(1);
  });

  it('without retries the first failure is the last', async () => {
    await handle('once', throwing(new Error('once')), once);
    expect(await takeDeadLetter(world, once)).toMatchObject({
      reason: 'attempts-exhausted',
      headers: { 'x-retry-count': 1 },
    });
    await handle('once later', throwing(new RetryLater('1s')), once);
    await takeDeadLetter(world, once);
    expect(callsOf('once later')).toHaveLength(1);
  });

  it('delays grow to their ceiling; jitter only lengthens; attempts are total tries', async () => {
    await handle('growing', throwing(new Error('always')), growing);
    await holdfast.outcome('growing', 'dead-letter');
    const calls = callsOf('growing');
    expect(calls).toHaveLength(4);
    for (const [i, least] of [100, 200, 300].entries()) {
      const waited = (calls[i + 1] ?? 0) - (calls[i] ?? 0);
      expect(waited).toBeGreaterThanOrEqual(least - 5);
    }
    expect(
      outcomesOf('growing')
        .slice(0, 3)
        .map((outcome) => (outcome.kind === 'retry' ? outcome.delayMs : 0))
        .map(
          (delay, i) =>
            [100, 125, 150, 200, 250, 300, 375, 450].includes(delay) && delay >= [100, 200, 300][i]!,
        ),
    ).toEqual([true, true, true]);
  });

  it('a retry keeps body, properties and headers, also of a handler that tampers with them', async () => {
    const seen: unknown[] = [];
    holdfast.app.get(Handlers).work.set('kept', (ctx) => {
      const { contentType, correlationId, type, appId, replyTo, priority, timestamp } = {
        ...(ctx as unknown as { delivery: { properties: Record<string, unknown> } }).delivery.properties,
      };
      seen.push({
        body: ctx.body.toString(),
        tenant: ctx.headers['tenant'],
        exchange: ctx.exchange,
        routingKey: ctx.routingKey,
        properties: { contentType, correlationId, type, appId, replyTo, priority, timestamp },
      });
      try {
        (ctx.headers as Record<string, unknown>)['tenant'] = 'tampered';
        ctx.body.fill(0x20);
      } catch {
        // Forbidden is as good as undone.
      }
      if (ctx.attempt < 3) throw new Error('again');
    });
    const channel = await world.broker.ready();
    await channel.assertExchange('shop', 'topic', { durable: true });
    await channel.bindQueue(queue, 'shop', 'order.*');
    await world.broker.publish(
      'shop',
      'order.created',
      'kept',
      { id: 'kept' },
      {
        headers: { tenant: 'x' },
        correlationId: 'c',
        type: 't',
        appId: 'a',
        replyTo: 'r',
        priority: 2,
        timestamp: 1_700_000_000,
      },
    );
    await holdfast.outcome('kept', 'completed');
    expect(seen).toHaveLength(3);
    expect(seen[1]).toEqual(seen[0]);
    expect(seen[2]).toEqual(seen[0]);
    expect(seen[0]).toMatchObject({ tenant: 'x', exchange: 'shop', routingKey: 'order.created' });
  });

  describe('a handler that takes too long', () => {
    it('is aborted, rolled back and tried again; its slot is free at once', async () => {
      let reason: unknown;
      await handle(
        'slow',
        async (ctx) => {
          await ctx.tx.query('insert into effect values ($1, $2)', ['slow', ctx.id]);
          if (ctx.attempt > 1) return;
          await new Promise((resolve) => {
            ctx.signal.addEventListener('abort', resolve);
          });
          reason = ctx.signal.reason;
          // It does not care and goes on for ever.
          await new Promise(() => undefined);
        },
        slow,
      );
      const { durationMs, outcome } = await holdfast.outcome('slow', 'retry');
      expect(outcome).toMatchObject({ reason: 'HandlerTimeoutError' });
      expect(durationMs).toBeLessThan(1_500);
      expect(reason).toMatchObject({ name: 'HandlerTimeoutError', timeoutMs: 200 });
      await holdfast.outcome('slow', 'completed');
      expect(await world.effects('slow')).toBe(1);
    });

    it('also while a statement runs: its session and locks are gone', async () => {
      await world.database.query("insert into effect values ('locked', 'row')");
      await handle(
        'sleeping',
        async (ctx) => {
          await ctx.tx.query("update effect set detail = 'x' where handler = 'locked'");
          if (ctx.attempt === 1) await ctx.tx.query('select pg_sleep(30)');
        },
        slow,
      );
      await holdfast.outcome('sleeping', 'retry');
      await world.database.query(
        "set lock_timeout = '2s'; update effect set detail = 'y' where handler = 'locked'",
      );
      await holdfast.outcome('sleeping', 'completed');
      const rows = await world.database.query<{ n: number }>(
        "select count(*)::int as n from pg_stat_activity where datname = current_database() and query like '%pg_sleep(30)%' and state = 'active' and pid <> pg_backend_pid()",
      );
      expect(rows[0]?.n).toBe(0);
    });

    it('and always does becomes a dead letter; the next message is handled', async () => {
      await handle('stuck', () => new Promise(() => undefined), slow);
      await handle('next', () => undefined, slow);
      expect(await takeDeadLetter(world, slow)).toMatchObject({
        reason: 'attempts-exhausted',
        error: expect.stringMatching(/^HandlerTimeoutError: .*200 ms/) as unknown,
      });
      await holdfast.outcome('next', 'completed');
      expect(holdfast.consumers.get(slow)).toMatchObject({ inFlight: 0, waiting: 0 });
    });
  });
});
