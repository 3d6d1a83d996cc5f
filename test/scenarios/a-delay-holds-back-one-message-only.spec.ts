import { PermanentError, ReliableConsumer, RetryLater, type MessageContext } from 'holdfast';
import { eventually } from '../support/eventually';
import { aQueue, World, type RunningHoldfast } from '../support/holdfast';

const queue = aQueue('work');
const elsewhere = aQueue('elsewhere');

class Handlers {
  @ReliableConsumer({ queue, retry: { delays: ['1s'] } })
  onWork({ delay }: { delay?: string }, ctx: MessageContext): void {
    if (delay === 'never') throw new PermanentError('never');
    if (ctx.attempt === 1 && delay !== undefined) throw new RetryLater(delay);
  }
}

describe('a delay', () => {
  let world: World;
  let holdfast: RunningHoldfast;

  beforeAll(async () => {
    world = await World.create();
    holdfast = await world.start({ handlers: [Handlers] });
  });
  afterAll(() => world.remove());

  it('of a minute does not hold back one of a second that began later', async () => {
    await world.broker.send(queue, 'd-60', { delay: '60s' });
    await holdfast.outcome('d-60', 'retry');
    expect(await world.broker.depth('holdfast.delay.1m')).toBe(1);
    await world.broker.send(queue, 'd-1', { delay: '1s' });
    const { receivedAt } = (await holdfast.outcome('d-1', 'retry')).delivery;
    const again = (await holdfast.outcome('d-1', 'completed')).delivery;
    expect(again.receivedAt - receivedAt).toBeGreaterThanOrEqual(1_000);
    expect(again.receivedAt - receivedAt).toBeLessThan(10_000);
    expect(await world.broker.depth('holdfast.delay.1m')).toBe(1);
  });

  it('that no tier has is walked over those there are, never early, for one attempt', async () => {
    await world.broker.send(queue, 'd-2500', { delay: '2500ms' });
    const { receivedAt } = (await holdfast.outcome('d-2500', 'retry')).delivery;
    const hop = await holdfast.outcome('d-2500', 'defer');
    expect(hop.outcome).toEqual({ kind: 'defer', reason: 'not-due', delayMs: 500 });
    const { delivery } = await holdfast.outcome('d-2500', 'completed');
    expect(delivery.attempt).toBe(2);
    expect(delivery.receivedAt - receivedAt).toBeGreaterThanOrEqual(2_500);
    expect(delivery.receivedAt - receivedAt).toBeLessThan(10_000);
  });

  it('does not wait for a work queue that is gone: its message ends with the unroutable, and the others go on', async () => {
    const doomed = aQueue('doomed');
    holdfast.consumers.register({ queue: doomed, retry: { delays: ['1s'] } }, () => {
      throw new Error('always');
    });
    await eventually(() => {
      expect(holdfast.consumers.get(doomed).state).toBe('running');
    });
    await world.broker.send(doomed, 'doomed-1', {});
    await holdfast.outcome('doomed-1', 'retry');
    await holdfast.consumers.unregister(doomed);
    await (await world.broker.ready()).deleteQueue(doomed);
    await world.broker.send(queue, 'd-after', { delay: '1s' });

    const lost = await world.broker.take('holdfast.unroutable');
    expect(lost.properties.messageId).toBe('doomed-1');
    expect(lost.fields.routingKey).toBe(doomed);
    await holdfast.outcome('d-after', 'completed');
  });

  it('and a dead letter carry everything of the producer, except what would reroute, expire or refuse the copy', async () => {
    await (await world.broker.ready()).assertQueue(elsewhere);
    const death = [{ queue, reason: 'expired', count: 1, exchange: '', 'routing-keys': [queue] }];
    await world.broker.send(
      queue,
      'k-1',
      { delay: 'never' },
      {
        headers: { tenant: 'x', nested: { list: [1, 'two', null] }, 'x-death': death },
        CC: elsewhere,
        BCC: elsewhere,
        expiration: '600000',
        userId: decodeURIComponent(new URL(world.vhost.url).username) || 'guest',
        correlationId: 'c',
        replyTo: 'r',
        type: 't',
        appId: 'a',
        priority: 3,
        timestamp: 1_700_000_000,
        contentEncoding: 'identity',
      },
    );
    const dead = await world.broker.take(`${queue}.dlq`);
    expect(dead.content.toString()).toBe('{"delay":"never"}');
    expect(dead.properties).toMatchObject({
      messageId: 'k-1',
      contentType: 'application/json',
      contentEncoding: 'identity',
      correlationId: 'c',
      replyTo: 'r',
      type: 't',
      appId: 'a',
      priority: 3,
      timestamp: 1_700_000_000,
      deliveryMode: 2,
      expiration: undefined,
      userId: undefined,
    });
    const headers = dead.properties.headers as Record<string, unknown>;
    expect(headers).toMatchObject({ tenant: 'x', nested: { list: [1, 'two', null] } });
    for (const name of ['CC', 'BCC', 'x-death']) expect(headers).not.toHaveProperty(name);
    expect(JSON.parse(headers['holdfast-origin-properties'] as string)).toMatchObject({
      CC: [elsewhere],
      expiration: '600000',
      userId: 'guest',
      'x-death': death,
    });
    // What the producer sent there, and no copy of ours.
    expect(await world.broker.depth(elsewhere)).toBe(1);
  });
});
