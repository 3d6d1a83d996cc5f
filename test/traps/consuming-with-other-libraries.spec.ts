import { Catch, Controller, UseFilters, type ExceptionFilter } from '@nestjs/common';
import { EventPattern } from '@nestjs/microservices';
import { HOLDFAST, HoldfastStrategy, ReliableConsumer, type MessageContext } from 'holdfast';
import { eventually } from '../support/eventually';
import { aQueue, World, type RunningHoldfast } from '../support/holdfast';
import { TcpProxy } from '../support/tcp-proxy';

/*
 * What golevelup's nestjs-rabbitmq, amqp-connection-manager and amqplib do, each seen on the versions that package-lock.json names, and
 * what an application on Holdfast sees instead. A test has the name of the trap.
 */

const work = aQueue('work');
const quiet = aQueue('quiet');
const filtered = aQueue('filtered');

class Handlers {
  begun = 0;
  readonly held = new Map<string, Promise<void>>();

  @ReliableConsumer({ queue: work, concurrency: 3, prefetch: 3, retry: { delays: ['200ms'] } })
  async onWork({ fails }: { fails?: boolean }, ctx: MessageContext): Promise<void> {
    this.begun++;
    await this.held.get(ctx.id);
    await ctx.sql.query('insert into effect values ($1, $2, $3)', ['work', ctx.id, String(ctx.attempt)]);
    if (fails && ctx.attempt === 1) throw new Error('not the first time');
  }

  @ReliableConsumer({ queue: quiet, idempotency: 'off' })
  onQuiet(): void {}
}

/** As applications have them for HTTP: it answers, and so hides the failure. */
@Catch()
class AsyncFilter implements ExceptionFilter {
  async catch(): Promise<void> {
    await Promise.resolve();
  }
}

@Controller()
class Patterns {
  @EventPattern(filtered, HOLDFAST, { retry: false })
  @UseFilters(AsyncFilter)
  onFiltered(): void {
    throw new TypeError('must not be lost');
  }
}

describe('a trap of other libraries', () => {
  let world: World;
  let proxy: TcpProxy;
  let holdfast: RunningHoldfast;
  /** What reached the consumers and connections during a test. */
  let changes: string[] = [];

  const start = async (): Promise<void> => {
    holdfast = await world.start({
      handlers: [Handlers],
      controllers: [Patterns],
      variables: { RABBITMQ_URL: proxy.url },
      prepare: async (app) => {
        app.connectMicroservice({ strategy: app.get(HoldfastStrategy) });
        await app.startAllMicroservices();
      },
    });
    holdfast.events.on('consumer.changed', ({ queue, state }) => changes.push(`${queue} ${state}`));
    holdfast.events.on('connection.changed', ({ connection, state }) =>
      changes.push(`${connection} ${state}`),
    );
    changes = [];
  };
  const hold = async (id: string): Promise<() => void> => {
    const handlers = holdfast.app.get(Handlers);
    const before = handlers.begun;
    let release: () => void = () => undefined;
    handlers.held.set(id, new Promise((resolve) => (release = resolve)));
    await world.broker.send(work, id, {});
    await eventually(() => {
      expect(handlers.begun).toBeGreaterThan(before);
    });
    return release;
  };
  const cutConsuming = async (): Promise<void> => {
    const gone = holdfast.events.next('connection.changed', ({ state }) => state === 'disconnected');
    proxy.cut(({ greeting }) => greeting.includes(':consume'));
    await gone;
  };

  beforeAll(async () => {
    world = await World.create();
    proxy = await TcpProxy.to(world.vhost.url);
    await start();
  });
  beforeEach(() => {
    changes = [];
  });
  afterAll(async () => {
    await world.remove();
    await proxy.close();
  });

  it('an acknowledgement on a dead channel throws, the error handler throws again, and the process exits', async () => {
    const release = await hold('dead-channel');
    await cutConsuming();
    release();
    // Jest fails a test during which a rejection goes unhandled.
    expect(await holdfast.outcome('dead-channel', 'completed')).toMatchObject({ acknowledged: false });
    await holdfast.attached();
    expect(await holdfast.outcome('dead-channel', 'duplicate')).toMatchObject({ acknowledged: true });
  });

  it('an acknowledgement after a reconnect goes to the new channel and acknowledges another message, which is lost', async () => {
    const releaseFirst = await hold('old-tag');
    await cutConsuming();
    await holdfast.attached();
    // The broker counts from 1 again: these are the tags that the first message might acknowledge.
    const releaseSecond = await hold('new-tag');
    releaseFirst();
    await holdfast.outcome('old-tag', 'completed');
    await cutConsuming();
    await holdfast.attached();
    releaseSecond();
    await holdfast.outcome('new-tag', 'completed');
    await holdfast.outcome('new-tag', 'duplicate');
    expect(await world.effects('work', 'new-tag')).toBe(1);
  });

  it('a subscription that the broker cancels stays cancelled, and the application looks connected', async () => {
    const gone = holdfast.events.next(
      'consumer.changed',
      ({ queue, state }) => queue === quiet && state !== 'running',
    );
    await (await world.broker.ready()).deleteQueue(quiet);
    await gone;
    await holdfast.attached();
    await world.broker.send(quiet, 'after-cancel', {});
    await holdfast.outcome('after-cancel', 'completed');
  });

  it('one channel error drops the whole connection, and every consumer with it', async () => {
    const missing = aQueue('missing');
    holdfast.consumers.register({ queue: missing, declare: false, idempotency: 'off' }, () => undefined);
    await eventually(() => {
      expect(holdfast.consumers.get(missing)).toMatchObject({
        state: 'starting',
        reason: expect.stringContaining('NOT_FOUND'),
      });
    });
    expect(changes.filter((change) => !change.startsWith(missing))).toEqual([]);
    await (await world.broker.ready()).assertQueue(missing, { durable: true });
    await eventually(() => {
      expect(holdfast.consumers.get(missing).state).toBe('running');
    });
    await holdfast.consumers.unregister(missing);
  });

  it('a queue with other arguments ends the process, or makes it reconnect for ever', async () => {
    const other = aQueue('other-arguments');
    await (await world.broker.ready()).assertQueue(other, { durable: true, maxPriority: 3 });
    holdfast.consumers.register({ queue: other, idempotency: 'off' }, () => undefined);
    await eventually(() => {
      expect(holdfast.consumers.get(other).state).toBe('drifted');
    });
    expect(changes.filter((change) => !change.startsWith(other))).toEqual([]);
    await holdfast.consumers.unregister(other);
  });

  it('a pause is forgotten at a reconnect', async () => {
    await holdfast.consumers.pause(work, { by: 'test' });
    await cutConsuming();
    await eventually(() => {
      expect(holdfast.consumers.get(quiet).state).toBe('running');
    });
    await world.broker.send(work, 'while-paused', {});
    await world.broker.send(quiet, 'meanwhile', {});
    await holdfast.outcome('meanwhile', 'completed');
    expect(await world.broker.depth(work)).toBe(1);
    await holdfast.consumers.resume(work, { by: 'test' });
    await holdfast.outcome('while-paused', 'completed');
  });

  it('an exception filter that is async or returns a value makes a failure a success: acknowledged and lost', async () => {
    await world.broker.send(filtered, 'behind-a-filter', {});
    await holdfast.outcome('behind-a-filter', 'dead-letter');
    const dead = await world.broker.take(`${filtered}.dlq`);
    expect(dead.properties.headers).toMatchObject({ 'holdfast-error': 'TypeError: must not be lost' });
  });

  it('a body that is no JSON is requeued at once, thousands of times a second', async () => {
    let received = 0;
    const off = holdfast.events.on('message.received', () => received++);
    await world.broker.send(work, 'no-json', Buffer.from('{'));
    await holdfast.outcome('no-json', 'dead-letter');
    await world.broker.send(quiet, 'later', {});
    await holdfast.outcome('later', 'completed');
    off();
    expect(received).toBe(2);
  });

  it('a broker that does not read from publishers does not read their acknowledgements either', async () => {
    const isPublishing = ({ greeting }: { greeting: string }): boolean => greeting.includes(':publish');
    proxy.judge = (_chunk, from, link) => (from === 'client' && isPublishing(link) ? 'drop' : 'forward');
    await world.broker.send(work, 'fails', { fails: true });
    const ids = Array.from({ length: 30 }, (_, i) => `succeeds-${i}`);
    for (const id of ids) await world.broker.send(work, id, {});
    for (const id of ids)
      expect(await holdfast.outcome(id, 'completed')).toMatchObject({ acknowledged: true });
    proxy.judge = () => 'forward';
    proxy.cut(isPublishing);
    await holdfast.outcome('fails', 'completed');
    expect(await world.effects('work', 'fails')).toBe(1);
  });

  it('close() does not stop consuming: handlers begin after it, and die with the process', async () => {
    const release = await hold('runs-at-close');
    const handlers = holdfast.app.get(Handlers);
    // Two more slots are free; the others wait in the queue.
    for (let i = 0; i < 20; i++) handlers.held.set(`close-${i}`, handlers.held.get('runs-at-close')!);
    for (let i = 0; i < 20; i++) await world.broker.send(work, `close-${i}`, {});
    await eventually(() => {
      expect(holdfast.consumers.get(work).inFlight).toBe(3);
    });
    const begun = handlers.begun;
    const stopped = holdfast.events.next(
      'consumer.changed',
      ({ queue, state }) => queue === work && state === 'stopped',
    );
    const closing = holdfast.stop();
    await stopped;
    release();
    await closing;
    expect(handlers.begun).toBe(begun);
    expect(await world.broker.depth(work)).toBe(18);
    expect(await world.effects('work', 'runs-at-close')).toBe(1);
  });

  it('the boot hangs while there is no broker', async () => {
    await proxy.close();
    const startedAt = performance.now();
    const alone = await world.start({
      handlers: [Handlers],
      wait: false,
      variables: { RABBITMQ_URL: proxy.url },
    });
    await alone.app.listen(0);
    expect(performance.now() - startedAt).toBeLessThan(10_000);
    await alone.stop();
  });
});
