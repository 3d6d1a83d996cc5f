import { ReliableConsumer, type MessageContext } from 'holdfast';
import { eventually } from '../support/eventually';
import { extraServer, type ExtraServer } from '../support/extra-server';
import { World, type RunningHoldfast } from '../support/holdfast';

/** Prefetch is what an alarm of a broker that acknowledgements do not reach would stop at. */
class Handlers {
  readonly started: string[] = [];
  readonly untilReleased = new Map<string, Promise<void>>();

  @ReliableConsumer({ queue: 'work', concurrency: 8, prefetch: 10, retry: { delays: ['1s'] } })
  async onWork({ id, fails }: { id: string; fails?: boolean }, ctx: MessageContext): Promise<void> {
    this.started.push(id);
    await ctx.sql.query('insert into effect values ($1, $2, $3)', ['work', ctx.id, String(ctx.attempt)]);
    await this.untilReleased.get(id);
    if (fails && ctx.attempt === 1) throw new Error('not the first time');
  }

  @ReliableConsumer({ queue: 'other' })
  async onOther(_message: unknown, ctx: MessageContext): Promise<void> {
    await ctx.sql.query('insert into effect values ($1, $2, $3)', ['other', ctx.id, String(ctx.attempt)]);
  }
}

describe('while the broker is away', () => {
  let server: ExtraServer;
  let world: World;
  let holdfast: RunningHoldfast;
  const handlers = (): Handlers => holdfast.app.get(Handlers);
  const stateOf = (queue: string): string => holdfast.consumers.get(queue).state;
  const send = (from: number, to: number, fails = false): Promise<unknown> =>
    Promise.all(
      Array.from({ length: to - from }, (_, i) => {
        const id = `m-${from + i}`;
        return world.broker.send('work', id, { id, fails });
      }),
    );
  const everyEffectOnce = (from: number, to: number, attempt: string): Promise<void> =>
    eventually(async () => {
      const rows = await world.database.query<{ n: number; messages: number; detail: string }>(
        `select count(*)::int as n, count(distinct transaction_id)::int as messages, detail
           from effect where substr(transaction_id, 3)::int between $1 and $2 group by detail`,
        [from, to - 1],
      );
      expect(rows).toEqual([{ n: to - from, messages: to - from, detail: attempt }]);
    }, 40_000);

  beforeAll(async () => {
    server = await extraServer('rabbitmq');
    world = await World.create({ rabbitmqUrl: server.url });
  }, 60_000);
  afterAll(async () => {
    await world.remove();
    await server.remove();
  });

  it('the process starts and lives, and its consumers attach by themselves when the broker comes', async () => {
    await server.stop();
    holdfast = await world.start({
      handlers: [Handlers],
      wait: false,
      variables: { HOLDFAST_PUBLISH_TIMEOUT: '1s' },
    });
    await eventually(() => {
      expect(holdfast.consumers.get('work')).toMatchObject({
        state: expect.stringMatching(/starting|waiting/),
        reason: expect.stringMatching(/broker/),
      });
    });
    await server.start();
    await holdfast.attached();
    await send(0, 10);
    await everyEffectOnce(0, 10, '1');
  });

  it('messages under way are done once, delays go on, and no attempt is spent', async () => {
    await send(90, 100, true);
    await holdfast.events.next('message.settled', ({ outcome }) => outcome.kind === 'retry');
    await send(100, 400);
    await holdfast.events.next('message.settled', ({ transactionId }) => transactionId === 'm-150');
    await server.stop();
    await eventually(() => {
      expect(holdfast.consumers.list().map(({ state }) => state)).not.toContain('running');
    });
    await server.start();
    await holdfast.attached();
    await everyEffectOnce(100, 400, '1');
    // In their delay queue while the broker was away.
    await everyEffectOnce(90, 100, '2');
    expect(await world.broker.depth('work.dlq')).toBe(0);
  });

  it('a memory alarm holds back copies, which stay unacknowledged, but no acknowledgement and no other message', async () => {
    for (const queue of ['work', 'other']) await holdfast.consumers.pause(queue, { by: 'test' });
    await send(700, 705, true);
    await send(600, 700);
    for (let i = 800; i < 850; i++) await world.broker.send('other', `o-${i}`, {});
    await server.ctl('set_vm_memory_high_watermark', 'absolute', '1MB');
    const away = holdfast.events.next(
      'dependency.changed',
      ({ dependency, available }) => dependency === 'publisher' && !available,
    );
    await holdfast.consumers.resume('work', { by: 'test' });
    await away;
    await everyEffectOnce(600, 700, '1');
    // What could relieve the broker must go on, or the alarm never ends.
    await holdfast.consumers.resume('other', { by: 'test' });
    await everyEffectOnce(800, 850, '1');
    await eventually(async () => {
      const queues = await server.ctl(
        'list_queues',
        '-q',
        'name',
        'messages_ready',
        'messages_unacknowledged',
      );
      expect(queues).toMatch(/^work\s+0\s+5$/m);
      expect(queues).toMatch(/^other\s+0\s+0$/m);
    });

    await server.ctl('set_vm_memory_high_watermark', '0.4');
    await everyEffectOnce(700, 705, '2');
    expect(await world.broker.depth('work.dlq')).toBe(0);
  });

  it('an overdue acknowledgement that closes one channel is made good, and the other consumer never notices', async () => {
    // Overdue after three seconds instead of half an hour, for channels that are opened from now on.
    await server.ctl(
      'eval',
      'application:set_env(rabbit, consumer_timeout, 3000), application:set_env(rabbit, channel_tick_interval, 1000).',
    );
    const cut = holdfast.events.next('connection.changed', ({ state }) => state === 'disconnected');
    await server.ctl('close_all_connections', 'the test wants new ones');
    await cut;
    await holdfast.attached();

    const changed: string[] = [];
    const off = holdfast.events.on('consumer.changed', ({ queue, state }) =>
      changed.push(`${queue} ${state}`),
    );
    let release: () => void = () => undefined;
    handlers().untilReleased.set('m-500', new Promise((resolve) => (release = resolve)));
    await world.broker.send('work', 'm-500', { id: 'm-500' });
    await holdfast.events.next(
      'consumer.changed',
      ({ queue, state }) => queue === 'work' && state !== 'running',
    );
    await eventually(() => {
      expect(stateOf('work')).toBe('running');
    });
    release();
    handlers().untilReleased.clear();
    await holdfast.outcome('m-500', 'duplicate');
    off();
    expect(changed.filter((line) => line.startsWith('other'))).toEqual([]);
    await everyEffectOnce(500, 501, '1');
    expect(await world.broker.depth('work')).toBe(0);
  });
});
