import { ReliableConsumer, type MessageContext } from 'holdfast';
import { takeDeadLetter } from '../support/dead-letters';
import { aQueue, World, type RunningHoldfast } from '../support/holdfast';

const queue = aQueue('orders');

class VeryLongError extends Error {}

class Orders {
  isBroken = true;

  @ReliableConsumer({
    queue,
    bindings: [{ exchange: 'shop', routingKey: 'order.#' }],
    retry: { delays: ['300ms'] },
  })
  async on({ message = 'broken' }: { message?: string }, ctx: MessageContext): Promise<void> {
    await ctx.tx.query('insert into effect values ($1, $2, $3)', ['orders', ctx.id, String(ctx.attempt)]);
    if (!this.isBroken) return;
    if (message === 'huge') throw new VeryLongError('ü'.repeat(1_000_000));
    if (message === 'huge object')
      throw Object.assign({}, { text: 'x'.repeat(1_000_000) }) as unknown as Error;
    if (message === 'deep')
      await this.recurse(40, () => {
        throw new TypeError('at the bottom');
      });
    throw new TypeError(message);
  }

  private async recurse(depth: number, last: () => never): Promise<void> {
    if (depth === 0) last();
    await Promise.resolve();
    await this.recurse(depth - 1, last);
  }
}

/** What a header takes on the wire, roughly: name, type, length and value. */
const sizeOf = (headers: Record<string, unknown>): number =>
  Object.entries(headers)
    .filter(([name]) => name.startsWith('holdfast-') || name === 'x-retry-count')
    .reduce((sum, [name, value]) => sum + 6 + name.length + Buffer.byteLength(String(value)), 0);

describe('a dead letter says why, and can come back', () => {
  let world: World;
  let holdfast: RunningHoldfast;

  beforeAll(async () => {
    world = await World.create();
    holdfast = await world.start({ handlers: [Orders] });
  });
  afterAll(() => world.remove());
  beforeEach(() => {
    holdfast.app.get(Orders).isBroken = true;
  });

  it('with reason, error, stack, attempts, first and last failure, handler and origin', async () => {
    const before = Date.now();
    await world.broker.publish(
      'shop',
      'order.created.eu',
      'd-1',
      {},
      {
        headers: { tenant: 'x' },
        expiration: '60000',
        type: 't',
        priority: 4,
      },
    );
    const { headers, properties, body } = await takeDeadLetter(world, queue);
    expect(headers).toMatchObject({
      tenant: 'x',
      'x-retry-count': 2,
      'holdfast-reason': 'attempts-exhausted',
      'holdfast-error': 'TypeError: broken',
      'holdfast-handler': 'Orders.on',
      'holdfast-origin-exchange': 'shop',
      'holdfast-origin-routing-key': 'order.created.eu',
    });
    expect(headers['holdfast-stack']).toMatch(/^TypeError: broken\n {4}at Orders\.on .*\.ts/);
    const first = Date.parse(String(headers['holdfast-first-failed-at']));
    const last = Date.parse(String(headers['holdfast-last-failed-at']));
    expect(first).toBeGreaterThanOrEqual(before - 1_000);
    expect(last - first).toBeGreaterThanOrEqual(295);
    expect(JSON.parse(String(headers['holdfast-origin-properties']))).toMatchObject({ expiration: '60000' });
    expect(properties).toMatchObject({ messageId: 'd-1', type: 't', priority: 4, deliveryMode: 2 });
    expect(properties.expiration).toBeUndefined();
    expect(Object.keys(headers).filter((name) => /^x-(death|first-death|last-death)/.test(name))).toEqual([]);
    expect(body.toString()).toBe('{}');
  });

  it.each(['huge', 'huge object', 'deep'])('in less than 8 KiB of headers (%s)', async (message) => {
    await world.broker.send(queue, `size ${message}`, { message });
    const { headers, error } = await takeDeadLetter(world, queue);
    expect(sizeOf(headers)).toBeLessThan(8_192);
    expect(Buffer.byteLength(error)).toBeLessThanOrEqual(1_024);
    if (message === 'huge') {
      expect(error).toMatch(/^VeryLongError: ü+…$/);
      // The frames say more than the message once more.
      expect(headers['holdfast-stack']).toMatch(/\n {4}at Orders\.on /);
    }
  });

  it('runs again when it is moved back by hand, as the same message, and takes effect once', async () => {
    await world.broker.publish('shop', 'order.created', 'back', { n: 1 });
    const dead = await takeDeadLetter(world, queue);
    holdfast.app.get(Orders).isBroken = false;
    const moveBack = (): Promise<void> =>
      world.broker.send(queue, undefined, dead.body, { ...dead.properties, headers: dead.headers });
    await moveBack();
    await holdfast.outcome('back', 'completed');
    await moveBack();
    await holdfast.outcome('back', 'duplicate');
    expect(await world.database.query("select detail from effect where transaction_id = 'back'")).toEqual([
      { detail: '3' },
    ]);
    const settled = await holdfast.outcome('back', 'completed');
    expect(settled.delivery).toMatchObject({ exchange: 'shop', routingKey: 'order.created' });
  });

  it('and is a dead letter again when it fails again, with the first failure kept', async () => {
    await world.broker.send(queue, 'again', {});
    const dead = await takeDeadLetter(world, queue);
    await world.broker.send(queue, undefined, dead.body, { ...dead.properties, headers: dead.headers });
    const second = await takeDeadLetter(world, queue);
    expect(second.headers).toMatchObject({
      'holdfast-reason': 'attempts-exhausted',
      'x-retry-count': 3,
      'holdfast-first-failed-at': dead.headers['holdfast-first-failed-at'],
    });
    expect(
      await world.database.query("select state from holdfast.inbox_message where transaction_id = 'again'"),
    ).toEqual([{ state: 'dead' }]);
  });

  it('the same message sent anew by its producer is a duplicate of the dead letter, not a second one', async () => {
    await world.broker.send(queue, 'anew', {});
    await takeDeadLetter(world, queue);
    await world.broker.send(queue, 'anew', {});
    await holdfast.outcome('anew', 'duplicate');
    expect(await world.broker.depth(`${queue}.dlq`)).toBe(0);
  });
});
