import { PermanentError, ReliableConsumer, type MessageContext } from 'holdfast';
import { eventually } from '../support/eventually';
import { aQueue, World, type RunningHoldfast } from '../support/holdfast';
import { TcpProxy } from '../support/tcp-proxy';

const queue = aQueue('work');
const TIER = 'holdfast.delay.300ms';

class Handlers {
  @ReliableConsumer({ queue, retry: { delays: ['300ms'] } })
  async onWork({ forGood }: { forGood?: boolean }, ctx: MessageContext): Promise<void> {
    await ctx.sql.query('insert into effect values ($1, $2, $3)', ['work', ctx.id, String(ctx.attempt)]);
    if (forGood) throw new PermanentError('for good');
    if (ctx.attempt === 1) throw new Error('not the first time');
  }
}

describe('a copy that cannot be published', () => {
  let world: World;
  let proxy: TcpProxy;
  let holdfast: RunningHoldfast;
  const remove = async (kind: 'queue' | 'exchange', name: string): Promise<void> => {
    const channel = await world.broker.ready();
    await (kind === 'queue' ? channel.deleteQueue(name) : channel.deleteExchange(name));
  };

  beforeAll(async () => {
    world = await World.create();
    proxy = await TcpProxy.to(world.vhost.url);
    holdfast = await world.start({
      handlers: [Handlers],
      variables: { RABBITMQ_URL: proxy.url, HOLDFAST_PUBLISH_TIMEOUT: '500ms' },
    });
  });
  afterAll(async () => {
    await world.remove();
    await proxy.close();
  });

  it.each([
    ['queue', TIER, 'queue of the delay'],
    ['exchange', TIER, 'exchange of the delay'],
  ] as const)(
    'because somebody has deleted the %s %s waits until it is there again',
    async (kind, name, what) => {
      await remove(kind, name);
      const id = `r-${what}`;
      const failed = holdfast.events.next('publication.failed', ({ exchange }) => exchange === name);
      await world.broker.send(queue, id, {});
      await failed;
      expect(holdfast.settled.filter(({ transactionId }) => transactionId === id)).toEqual([]);
      expect(await holdfast.outcome(id, 'retry')).toMatchObject({ acknowledged: true });
      expect(await holdfast.outcome(id, 'completed')).toMatchObject({ delivery: { attempt: 2 } });
      expect(await world.effects('work', id)).toBe(1);
    },
  );

  it.each([
    ['queue', `${queue}.dlq`],
    ['exchange', 'holdfast.dead'],
  ] as const)('to the dead letters because somebody has deleted their %s restores it', async (kind, name) => {
    await remove(kind, name);
    const id = `d-${kind}`;
    await world.broker.send(queue, id, { forGood: true });
    expect(await holdfast.outcome(id, 'dead-letter')).toMatchObject({ acknowledged: true });
    const dead = await world.broker.take(`${queue}.dlq`);
    expect(dead.properties).toMatchObject({
      messageId: id,
      headers: { 'holdfast-reason': 'permanent-error', 'x-retry-count': 1 },
    });
  });

  it('and confirmed leaves the message with the broker, and is one copy in the end although two were sent', async () => {
    const isPublishing = ({ greeting }: { greeting: string }): boolean => greeting.includes(':publish');
    const away = holdfast.events.next(
      'dependency.changed',
      ({ dependency, available }) => dependency === 'publisher' && !available,
    );
    // The broker takes the copy; its confirm, and everything else it says, is lost.
    proxy.judge = (_chunk, from, link) => (from === 'server' && isPublishing(link) ? 'drop' : 'forward');
    await world.broker.send(queue, 'u-1', {});
    await away;
    // The copy itself may be back and done by now.
    const originals = holdfast.settled.filter(
      ({ transactionId, delivery }) => transactionId === 'u-1' && delivery.attempt === 1,
    );
    expect(originals).toEqual([]);
    proxy.judge = () => 'forward';
    proxy.cut(isPublishing);

    expect(await holdfast.outcome('u-1', 'retry')).toMatchObject({ acknowledged: true });
    await holdfast.outcome('u-1', 'completed');
    await holdfast.outcome('u-1', 'duplicate');
    expect(await world.effects('work', 'u-1')).toBe(1);
    await eventually(async () => {
      expect(await world.broker.depth(TIER)).toBe(0);
      expect(await world.broker.depth(queue)).toBe(0);
    });
  });
});
