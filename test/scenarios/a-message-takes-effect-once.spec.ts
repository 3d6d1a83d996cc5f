import { Discard, PermanentError, ReliableConsumer, type MessageContext } from 'holdfast';
import { aQueue, World, type RunningHoldfast } from '../support/holdfast';

const queue = aQueue('orders');

class Orders {
  failures = new Map<string, number>();

  @ReliableConsumer({ queue, retry: { delays: ['100ms', '200ms'] } })
  async onOrder(order: { id: string }, ctx: MessageContext): Promise<void> {
    await ctx.tx.query('insert into effect values ($1, $2, $3)', ['orders', ctx.id, String(ctx.attempt)]);
    if (order.id.startsWith('poison')) throw new PermanentError('never');
    if (order.id.startsWith('old')) throw new Discard('too old');
    const left = this.failures.get(order.id) ?? 0;
    if (left > 0) {
      this.failures.set(order.id, left - 1);
      throw new TypeError('not yet');
    }
  }
}

describe('a message takes effect once', () => {
  let world: World;
  let holdfast: RunningHoldfast;
  const orders = (): Orders => holdfast.app.get(Orders);

  beforeAll(async () => {
    world = await World.create();
    holdfast = await world.start({ handlers: [Orders] });
  });
  afterAll(() => world.remove());

  it('commits the effect with the inbox row and acknowledges', async () => {
    await world.broker.send(queue, 'a-1', { id: 'a-1' });
    const { acknowledged } = await holdfast.outcome('a-1', 'completed');
    expect(acknowledged).toBe(true);
    expect(await world.effects('orders', 'a-1')).toBe(1);
  });

  it('recognises a repetition', async () => {
    await world.broker.send(queue, 'a-2', { id: 'a-2' });
    await world.broker.send(queue, 'a-2', { id: 'a-2' });
    await holdfast.outcome('a-2', 'duplicate');
    expect(await world.effects('orders', 'a-2')).toBe(1);
  });

  it('tries a failure again after the delay, and keeps only the effect of the try that succeeded', async () => {
    orders().failures.set('a-3', 2);
    await world.broker.send(queue, 'a-3', { id: 'a-3' });
    await holdfast.outcome('a-3', 'completed');
    const rows = await world.database.query('select detail from effect where transaction_id = $1', ['a-3']);
    expect(rows).toEqual([{ detail: '3' }]);
  });

  it('makes a dead letter of what fails for good, with the body untouched and the reason in headers', async () => {
    orders().failures.set('a-4', 99);
    await world.broker.send(queue, 'a-4', { id: 'a-4' }, { headers: { tenant: 'x' }, correlationId: 'c' });
    await holdfast.outcome('a-4', 'dead-letter');
    const dead = await world.broker.take(`${queue}.dlq`);
    expect(dead.content.toString()).toBe('{"id":"a-4"}');
    expect(dead.properties).toMatchObject({ messageId: 'a-4', correlationId: 'c', deliveryMode: 2 });
    expect(dead.properties.headers).toMatchObject({
      tenant: 'x',
      'x-retry-count': 3,
      'holdfast-reason': 'attempts-exhausted',
      'holdfast-error': 'TypeError: not yet',
      'holdfast-handler': 'Orders.onOrder',
      'holdfast-origin-exchange': '',
      'holdfast-origin-routing-key': queue,
    });
    expect(await world.effects('orders', 'a-4')).toBe(0);
  });

  it('makes a dead letter at once of a PermanentError', async () => {
    await world.broker.send(queue, 'poison-1', { id: 'poison-1' });
    await holdfast.outcome('poison-1', 'dead-letter');
    expect((await world.broker.take(`${queue}.dlq`)).properties.headers).toMatchObject({
      'holdfast-reason': 'permanent-error',
      'x-retry-count': 1,
    });
  });

  it('discards on request, without effect, and remembers it', async () => {
    await world.broker.send(queue, 'old-1', { id: 'old-1' });
    await holdfast.outcome('old-1', 'discard');
    await world.broker.send(queue, 'old-1', { id: 'old-1' });
    await holdfast.outcome('old-1', 'duplicate');
    expect(await world.effects('orders', 'old-1')).toBe(0);
  });

  it('takes the same id with another body for a conflict, not for a repetition', async () => {
    await world.broker.send(queue, 'a-5', { id: 'a-5' });
    await world.broker.send(queue, 'a-5', { id: 'a-5', amount: 2 });
    await holdfast.outcome('a-5', 'dead-letter');
    expect((await world.broker.take(`${queue}.dlq`)).properties.headers).toMatchObject({
      'holdfast-reason': 'transaction-id-conflict',
    });
    expect(await world.effects('orders', 'a-5')).toBe(1);
  });

  it('makes a dead letter of a message without a transaction id', async () => {
    await world.broker.send(queue, undefined, { id: 'none' });
    expect((await world.broker.take(`${queue}.dlq`)).properties.headers).toMatchObject({
      'holdfast-reason': 'missing-transaction-id',
    });
  });
});
