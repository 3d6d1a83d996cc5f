import { ReliableConsumer, type MessageContext } from 'holdfast';
import { eventually } from '../support/eventually';
import { aQueue, World, type RunningHoldfast } from '../support/holdfast';
import { TcpProxy } from '../support/tcp-proxy';

const queue = aQueue('publisher');
const out = aQueue('out');

class Publisher {
  readonly gates = new Map<string, Promise<void>>();
  readonly begun = new Set<string>();

  @ReliableConsumer({ queue, retry: false })
  async on(_: unknown, ctx: MessageContext): Promise<void> {
    this.begun.add(ctx.id);
    await this.gates.get(ctx.id);
    for (const i of [1, 2, 3]) await ctx.publish('', out, {}, { messageId: `${ctx.id}-${i}` });
  }
}

describe('committed publications', () => {
  let world: World;
  let proxy: TcpProxy;
  let holdfast: RunningHoldfast;
  const start = (): Promise<RunningHoldfast> =>
    world.start({
      handlers: [Publisher],
      variables: { RABBITMQ_URL: proxy.url, HOLDFAST_PUBLISH_TIMEOUT: '1s' },
    });
  const rows = (): Promise<{ attempts: number }[]> =>
    world.database.query('select attempts from holdfast.outbox_message order by sequence');
  const isDue = (): Promise<unknown> =>
    world.database.query('update holdfast.outbox_message set next_try_at = now()');
  /** What arrives until the table is empty, each id once where it first came. */
  const arrivals = async (): Promise<string[]> => {
    await eventually(async () => {
      expect(await rows()).toEqual([]);
    }, 30_000);
    const ids: string[] = [];
    for (let left = await world.broker.depth(out); left > 0; left--)
      ids.push(String((await world.broker.take(out)).properties.messageId));
    return [...new Set(ids)];
  };

  beforeAll(async () => {
    world = await World.create();
    proxy = await TcpProxy.to(world.vhost.url);
    await (await world.broker.ready()).assertQueue(out, { durable: true });
  });
  afterEach(() => {
    proxy.judge = () => 'forward';
  });
  afterAll(async () => {
    await world.remove();
    await proxy.close();
  });

  it('rest in the table while the broker is away, spend no attempt, and leave in order when it is back', async () => {
    holdfast = await start();
    let open = (): void => undefined;
    holdfast.app.get(Publisher).gates.set('away', new Promise((resolve) => (open = resolve)));
    await world.broker.send(queue, 'away', {});
    await eventually(() => {
      expect(holdfast.app.get(Publisher).begun.has('away')).toBe(true);
    });
    const gone = holdfast.events.next(
      'connection.changed',
      ({ connection, state }) => connection === 'publish' && state === 'disconnected',
    );
    proxy.judge = () => 'cut';
    proxy.cut();
    await gone;
    open();
    await eventually(async () => {
      expect(await rows()).toHaveLength(3);
    });
    await isDue();
    expect(await rows()).toEqual([{ attempts: 0 }, { attempts: 0 }, { attempts: 0 }]);
    proxy.judge = () => 'forward';
    expect(await arrivals()).toEqual(['away-1', 'away-2', 'away-3']);
    await holdfast.outcome('away', 'duplicate');
  }, 60_000);

  it('are left to another replica by one that ends without the confirms of the broker', async () => {
    const publishing = holdfast.events.next('publication.failed');
    // Deaf on the publishing connection: what it sends arrives, and nothing comes back.
    proxy.judge = (_, from, link) =>
      from === 'server' && /holdfast:[^:]+:publish/.test(link.greeting) ? 'drop' : 'forward';
    await world.broker.send(queue, 'deaf', {});
    await holdfast.outcome('deaf', 'completed');
    expect((await publishing).error).toMatchObject({ name: 'UnconfirmedError' });
    await holdfast.stop();
    expect(await rows()).toHaveLength(3);
    proxy.judge = () => 'forward';
    await isDue();
    const replica = await start();
    expect(await arrivals()).toEqual(['deaf-1', 'deaf-2', 'deaf-3']);
    await replica.stop();
  }, 60_000);
});
