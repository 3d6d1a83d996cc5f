import { ReliableConsumer, type ConsumerState, type MessageContext } from 'holdfast';
import { eventually } from '../support/eventually';
import { aQueue, World, type RunningHoldfast } from '../support/holdfast';
import { TcpProxy } from '../support/tcp-proxy';

const queue = aQueue('work');
const witness = aQueue('witness');

class Handlers {
  readonly begun: string[] = [];
  readonly held = new Map<string, Promise<void>>();

  @ReliableConsumer({ queue, concurrency: 1, prefetch: 10 })
  async onWork(_message: unknown, ctx: MessageContext): Promise<void> {
    this.begun.push(ctx.id);
    await this.held.get(ctx.id);
  }

  @ReliableConsumer({ queue: witness, idempotency: 'off' })
  onWitness(): void {}
}

describe('a pause of a consumer', () => {
  let world: World;
  let proxy: TcpProxy;
  let first: RunningHoldfast;
  let second: RunningHoldfast;
  const start = (): Promise<RunningHoldfast> =>
    world.start({ handlers: [Handlers], variables: { RABBITMQ_URL: proxy.url }, wait: false });
  const isSoon = (app: RunningHoldfast, state: ConsumerState): Promise<void> =>
    eventually(() => {
      expect(app.consumers.get(queue).state).toBe(state);
    }, 2_500);
  /** The other consumer of the same application shows that it has got over what happened. */
  const recovered = (app: RunningHoldfast): Promise<void> =>
    eventually(() => {
      expect(app.consumers.get(witness).state).toBe('running');
    });

  beforeAll(async () => {
    world = await World.create();
    proxy = await TcpProxy.to(world.vhost.url);
    first = await start();
    second = await start();
    await Promise.all([first.attached(), second.attached()]);
  });
  afterAll(async () => {
    await world.remove();
    await proxy.close();
  });

  it('holds on every replica within about a second, and is told with who did it and why', async () => {
    const status = await first.consumers.pause(queue, { by: 'ada', reason: 'stock-taking' });
    expect(status).toMatchObject({ paused: { by: 'ada', reason: 'stock-taking' } });
    await Promise.all([isSoon(first, 'paused'), isSoon(second, 'paused')]);
    expect(second.consumers.get(queue)).toMatchObject({
      reason: 'by ada: stock-taking',
      paused: { by: 'ada', reason: 'stock-taking' },
    });
    await world.broker.send(queue, 'p-1', {});
    expect(await world.broker.depth(queue)).toBe(1);
  });

  it('survives a reconnect', async () => {
    for (const app of [first, second]) {
      const gone = app.events.next('connection.changed', ({ state }) => state === 'disconnected');
      proxy.cut();
      await gone;
    }
    await Promise.all([recovered(first), recovered(second)]);
    expect(first.consumers.get(queue).state).toBe('paused');
    expect(await world.broker.depth(queue)).toBe(1);
  });

  it('survives a restart', async () => {
    await Promise.all([first.stop(), second.stop()]);
    [first, second] = await Promise.all([start(), start()]);
    await Promise.all([recovered(first), recovered(second)]);
    await isSoon(second, 'paused');
    expect([...first.settled, ...second.settled]).toEqual([]);
    expect(await world.broker.depth(queue)).toBe(1);
  });

  it('lasts until somebody resumes the consumer, on any replica', async () => {
    await second.consumers.resume(queue, { by: 'ada' });
    await Promise.all([isSoon(first, 'running'), isSoon(second, 'running')]);
    await eventually(() => {
      expect([...first.settled, ...second.settled].map(({ transactionId }) => transactionId)).toEqual([
        'p-1',
      ]);
    });
  });

  it('gives back what had not begun, and lets what runs finish', async () => {
    await second.stop();
    const handlers = first.app.get(Handlers);
    let release: () => void = () => undefined;
    handlers.held.set('b-0', new Promise((resolve) => (release = resolve)));
    for (let i = 0; i < 6; i++) await world.broker.send(queue, `b-${i}`, {});
    await eventually(() => {
      expect(first.consumers.get(queue)).toMatchObject({ inFlight: 1, waiting: 5 });
    });
    await first.consumers.pause(queue, { by: 'ada' });
    await eventually(async () => {
      expect(first.consumers.get(queue)).toMatchObject({ inFlight: 1, waiting: 0 });
      expect(await world.broker.depth(queue)).toBe(5);
    });
    release();
    expect(await first.outcome('b-0', 'completed')).toMatchObject({ acknowledged: true });
    expect(handlers.begun).not.toContain('b-1');
    await first.consumers.resume(queue, { by: 'ada' });
    await first.outcome('b-5', 'completed');
  });
});
