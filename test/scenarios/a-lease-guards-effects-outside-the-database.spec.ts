import { setTimeout as sleep } from 'node:timers/promises';
import { Database, Discard, LeaseLostError, ReliableConsumer, type MessageContext } from 'holdfast';
import { takeDeadLetter } from '../support/dead-letters';
import { eventually } from '../support/eventually';
import { aQueue, World, type RunningHoldfast, type Settled } from '../support/holdfast';
import { TcpProxy } from '../support/tcp-proxy';

const queue = aQueue('mails');
const downstream = aQueue('sent');
const anonymous = aQueue('anonymous');

type Work = (ctx: MessageContext) => unknown;

/** What a run did outside, where nothing is ever rolled back. */
interface Effect {
  readonly id: string;
  readonly attempt: number;
  readonly token: number;
}

class Mails {
  readonly work = new Map<string, Work>();
  readonly effects: Effect[] = [];

  @ReliableConsumer({
    queue,
    idempotency: 'lease',
    concurrency: 100,
    prefetch: 200,
    retry: { delays: ['100ms'] },
    immediateRetries: 1,
  })
  async onMail(_mail: unknown, ctx: MessageContext): Promise<void> {
    this.effects.push({ id: ctx.id, attempt: ctx.attempt, token: ctx.fencingToken });
    await this.work.get(ctx.id)?.(ctx);
  }

  @ReliableConsumer({ queue: anonymous, idempotency: 'lease', onMissingTransactionId: 'process' })
  onAnonymous(_: unknown, ctx: MessageContext): void {
    this.effects.push({ id: 'anonymous', attempt: ctx.attempt, token: 0 });
    expect(() => ctx.fencingToken).toThrow(/for messages with a transaction id/);
  }
}

describe('a lease', () => {
  let world: World;
  let proxy: TcpProxy;
  let holdfast: RunningHoldfast;
  let replica: RunningHoldfast;

  const doing = (id: string, work: Work): void => {
    for (const one of [holdfast, replica]) one.app.get(Mails).work.set(id, work);
  };
  /** In the order of the claims, whichever replica ran them. */
  const effectsOf = (id: string): Effect[] =>
    [holdfast, replica]
      .flatMap((one) => one.app.get(Mails).effects)
      .filter((effect) => effect.id === id)
      .sort((a, b) => a.token - b.token);
  const settledOf = (id: string): Settled[] =>
    [...holdfast.settled, ...replica.settled].filter(({ transactionId }) => transactionId === id);
  const settledInAll = async (id: string, ...kinds: string[]): Promise<void> => {
    await eventually(() => {
      const found = settledOf(id)
        .map(({ outcome }) => outcome.kind)
        .filter((kind) => kind !== 'defer');
      expect(found.sort()).toEqual(kinds);
    }, 25_000);
  };
  const rowOf = async (id: string): Promise<Record<string, unknown> | undefined> => {
    const [row] = await world.database.query(
      'select state, version, failed_attempts, copy_token is null as free, due_at > now() as alive from holdfast.inbox_message where transaction_id = $1',
      [id],
    );
    return row;
  };
  /** Resolves once the handler of this message is running; it goes on when the test says so. */
  const hold = (id: string): { running: Promise<MessageContext>; goOn: () => void } => {
    let goOn = (): void => undefined;
    const released = new Promise<void>((resolve) => (goOn = resolve));
    const running = new Promise<MessageContext>((resolve) => {
      doing(id, (ctx) => {
        resolve(ctx);
        return released;
      });
    });
    return { running, goOn };
  };
  /** As another process takes the message over whose lease has run out. */
  const takeOver = (id: string): Promise<unknown> =>
    world.database.query(
      "update holdfast.inbox_message set version = version + 1, copy_token = gen_random_uuid(), due_at = now() + interval '1 hour' where transaction_id = $1",
      [id],
    );

  beforeAll(async () => {
    world = await World.create();
    proxy = await TcpProxy.to(world.database.url);
    const channel = await world.broker.ready();
    await channel.assertQueue(downstream, { durable: true });
    holdfast = await world.start({
      handlers: [Mails],
      variables: { HOLDFAST_LEASE: '2s', DATABASE_URL: proxy.url, HOLDFAST_SHUTDOWN_GRACE: '300ms' },
    });
    replica = await world.start({ handlers: [Mails], variables: { HOLDFAST_LEASE: '2s' } });
  });
  afterAll(async () => {
    await world.remove();
    await proxy.close();
  });

  it('lets ten copies at once on two replicas run once: the others wait, and are duplicates', async () => {
    doing('twins', () => sleep(200));
    await Promise.all(Array.from({ length: 10 }, () => world.broker.send(queue, 'twins', {})));
    await settledInAll('twins', 'completed', ...Array<string>(9).fill('duplicate'));
    expect(effectsOf('twins')).toEqual([{ id: 'twins', attempt: 1, token: 1 }]);
    const deferred = settledOf('twins').flatMap(({ outcome }) =>
      outcome.kind === 'defer' ? outcome.reason : [],
    );
    expect(new Set(deferred)).toEqual(new Set(['twin-running']));
    expect(await rowOf('twins')).toMatchObject({ state: 'completed', version: 1, free: true });
  });

  it('is lengthened while the handler runs, so that a twin waits for as long as that takes', async () => {
    const { running, goOn } = hold('long');
    await world.broker.send(queue, 'long', {});
    await running;
    await world.broker.send(queue, 'long', {});
    await sleep(5_000);
    expect(await rowOf('long')).toMatchObject({ state: 'running', alive: true });
    expect(settledOf('long').every(({ outcome }) => outcome.kind === 'defer')).toBe(true);
    goOn();
    await settledInAll('long', 'completed', 'duplicate');
    expect(effectsOf('long')).toHaveLength(1);
  }, 30_000);

  it('that another process has taken over aborts the signal, and the message is left to the other', async () => {
    const { running, goOn } = hold('lost');
    await world.broker.send(queue, 'lost', {});
    const ctx = await running;
    await takeOver('lost');
    await new Promise((resolve) => {
      ctx.signal.addEventListener('abort', resolve, { once: true });
    });
    expect(ctx.signal.reason).toBeInstanceOf(LeaseLostError);
    await eventually(() => {
      expect(settledOf('lost')).not.toEqual([]);
    });
    expect(settledOf('lost')[0]?.outcome).toMatchObject({ kind: 'defer', reason: 'twin-running' });
    goOn();
    expect(await rowOf('lost')).toMatchObject({
      state: 'running',
      version: 2,
      failed_attempts: 0,
      alive: true,
    });
    // The other one dies: its lease runs out, and the message runs again.
    doing('lost', () => undefined);
    await world.database.query(
      "update holdfast.inbox_message set due_at = now() where transaction_id = 'lost'",
    );
    await settledInAll('lost', 'completed');
    const runs = effectsOf('lost').map(({ attempt, token }) => ({ attempt, token }));
    expect(runs).toHaveLength(2);
    expect(runs).toEqual(expect.arrayContaining([1, 3].map((token) => ({ attempt: 1, token }))));
  }, 30_000);

  it('refuses a completion that comes too late, also when nobody has noticed before', async () => {
    doing('late', () => takeOver('late'));
    await world.broker.send(queue, 'late', {});
    await eventually(() => {
      expect(settledOf('late')).not.toEqual([]);
    });
    expect(settledOf('late')[0]?.outcome.kind).toBe('defer');
    expect(await rowOf('late')).toMatchObject({ state: 'running', version: 2 });
    await world.database.query(
      "update holdfast.inbox_message set state = 'completed', copy_token = null, due_at = null where transaction_id = 'late'",
    );
    await settledInAll('late', 'duplicate');
    expect(effectsOf('late')).toHaveLength(1);
  });

  it('makes a failure of a run that was taken over nobody’s failure', async () => {
    let taken = false;
    doing('fails late', async () => {
      if (!taken) await takeOver('fails late');
      taken = true;
      throw new Error('and the other one is still running');
    });
    await world.broker.send(queue, 'fails late', {});
    await eventually(() => {
      expect(settledOf('fails late')).not.toEqual([]);
    });
    expect(settledOf('fails late')[0]?.outcome).toMatchObject({ kind: 'defer', reason: 'twin-running' });
    expect(await rowOf('fails late')).toMatchObject({ state: 'running', version: 2, failed_attempts: 0 });
    await world.database.query(
      "update holdfast.inbox_message set state = 'completed', copy_token = null, due_at = null where transaction_id = 'fails late'",
    );
    await settledInAll('fails late', 'duplicate');
  });

  it('ends with a failure: tried again at once under the same claim, then after its delay, then a dead letter', async () => {
    doing('broken', () => {
      throw new Error('mail server says no');
    });
    await world.broker.send(queue, 'broken', {});
    expect(await takeDeadLetter(world, queue)).toMatchObject({
      reason: 'attempts-exhausted',
      error: 'Error: mail server says no',
    });
    expect(effectsOf('broken').map(({ attempt, token }) => `${attempt}:${token}`)).toEqual([
      '1:1',
      '1:1',
      '2:3',
      '2:3',
    ]);
    expect(await rowOf('broken')).toMatchObject({ state: 'dead', failed_attempts: 2, free: false });
    // Put back by hand it runs once more, and completes.
    doing('broken', () => undefined);
    const [row] = await world.database.query<{ token: string }>(
      "select copy_token as token from holdfast.inbox_message where transaction_id = 'broken'",
    );
    await world.broker.send(queue, 'broken', {}, { headers: { 'holdfast-copy-token': row?.token } });
    await settledInAll('broken', 'completed', 'dead-letter', 'retry');
  });

  it('of a message that succeeds at its second try ends completed, with the failure in its history', async () => {
    doing('second', (ctx) => {
      if (ctx.attempt === 1) throw new Error('not yet');
    });
    await world.broker.send(queue, 'second', {});
    await settledInAll('second', 'completed', 'retry');
    expect(await rowOf('second')).toMatchObject({ state: 'completed', failed_attempts: 1, version: 3 });
  });

  it('of a message that is discarded ends with it', async () => {
    doing('old', () => {
      throw new Discard('too old');
    });
    await world.broker.send(queue, 'old', {});
    await settledInAll('old', 'discard');
    expect(await rowOf('old')).toMatchObject({ state: 'discarded', free: true });
    await world.broker.send(queue, 'old', {});
    await settledInAll('old', 'discard', 'duplicate');
  });

  it('does not make another body under the same id wait: that is a conflict', async () => {
    const { running, goOn } = hold('conflict');
    await world.broker.send(queue, 'conflict', { n: 1 });
    await running;
    await world.broker.send(queue, 'conflict', { n: 2 });
    expect(await takeDeadLetter(world, queue)).toMatchObject({ reason: 'transaction-id-conflict' });
    goOn();
    await settledInAll('conflict', 'completed', 'dead-letter');
  });

  it('whose completion cannot be written is completed when the database is back, and the handler not run again', async () => {
    let away = true;
    doing('unwritten', () => {
      proxy.judge = () => (away ? 'cut' : 'forward');
      proxy.cut();
    });
    // To the one behind the proxy.
    await replica.consumers.unregister(queue);
    await world.broker.send(queue, 'unwritten', {});
    await holdfast.events.next('dependency.changed', ({ available }) => !available);
    // Longer than the lease.
    await sleep(2_500);
    away = false;
    await settledInAll('unwritten', 'completed');
    expect(effectsOf('unwritten')).toEqual([{ id: 'unwritten', attempt: 1, token: 1 }]);
    expect(await rowOf('unwritten')).toMatchObject({ state: 'completed', version: 1 });
  }, 30_000);

  it('that cannot be renewed before it ends is lost: the signal is aborted, and the message comes again', async () => {
    const { running } = hold('cut off');
    await world.broker.send(queue, 'cut off', {});
    const ctx = await running;
    let away = true;
    proxy.judge = () => (away ? 'cut' : 'forward');
    proxy.cut();
    await new Promise((resolve) => {
      ctx.signal.addEventListener('abort', resolve, { once: true });
    });
    expect(ctx.signal.reason).toBeInstanceOf(LeaseLostError);
    doing('cut off', () => undefined);
    away = false;
    await settledInAll('cut off', 'completed');
    expect(effectsOf('cut off').map(({ attempt }) => attempt)).toEqual([1, 1]);
    expect(await rowOf('cut off')).toMatchObject({ state: 'completed', failed_attempts: 0 });
  }, 30_000);

  it('of a hundred messages at once costs a few statements', async () => {
    const statements: string[] = [];
    const database = holdfast.app.get(Database);
    const query = database.query.bind(database);
    const spy = jest.spyOn(database, 'query').mockImplementation((text, values) => {
      if (text.includes('unnest')) statements.push(text.slice(0, 6));
      return query(text, values);
    });
    await Promise.all(Array.from({ length: 100 }, (_, i) => world.broker.send(queue, `many-${i}`, {})));
    await eventually(() => {
      const done = holdfast.settled.filter(({ transactionId }) => transactionId?.startsWith('many-'));
      expect(done.map(({ outcome }) => outcome.kind)).toEqual(Array<string>(100).fill('completed'));
    });
    spy.mockRestore();
    expect(new Set(statements)).toEqual(new Set(['insert', 'update']));
    expect(statements.length).toBeLessThan(60);
  });

  it('gives what is published the same message id on every run', async () => {
    doing('publishes', async (ctx) => {
      await ctx.publish('', downstream, { n: 1 });
      await ctx.publish('', downstream, { n: 2 });
      if (ctx.attempt === 1) throw new Error('after publishing');
    });
    await world.broker.send(queue, 'publishes', {});
    await settledInAll('publishes', 'completed', 'retry');
    const ids: unknown[] = [];
    for (let i = 0; i < 6; i++) ids.push((await world.broker.take(downstream)).properties.messageId);
    expect(new Set(ids).size).toBe(2);
    expect(ids.slice(0, 2)).toEqual(ids.slice(2, 4));
    expect(ids.slice(0, 2)).toEqual(ids.slice(4, 6));
    expect(ids[0]).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-8[0-9a-f]{3}-[0-9a-f]{12}$/);
  });

  it('has no transaction, and says so', async () => {
    const errors: unknown[] = [];
    doing('no tx', (ctx) => {
      for (const ask of [() => ctx.tx, () => ctx.sql])
        try {
          ask();
        } catch (error) {
          errors.push((error as Error).message);
        }
    });
    await world.broker.send(queue, 'no tx', {});
    await settledInAll('no tx', 'completed');
    expect(errors).toEqual([
      "ctx.tx needs idempotency 'transactional'; Mails.onMail has 'lease'",
      "ctx.sql needs idempotency 'transactional'; Mails.onMail has 'lease'",
    ]);
  });

  it('is not needed for a message without an id, where the consumer says so', async () => {
    await world.broker.send(anonymous, undefined, {});
    await world.broker.send(anonymous, undefined, {});
    await eventually(() => {
      expect(effectsOf('anonymous')).toHaveLength(2);
    });
    expect(
      await world.database.query('select 1 from holdfast.inbox_message where consumer = $1', [anonymous]),
    ).toEqual([]);
  });

  it('is given back at shutdown, so that the next process need not wait for its end', async () => {
    const { running } = hold('interrupted');
    await world.broker.send(queue, 'interrupted', {});
    await running;
    const next = await world.start({ handlers: [Mails], variables: { HOLDFAST_LEASE: '1h' } });
    await holdfast.stop();
    expect(await next.outcome('interrupted', 'completed')).toMatchObject({ acknowledged: true });
  }, 30_000);
});
