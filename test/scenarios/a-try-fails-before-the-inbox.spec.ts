import {
  MessageMiddleware,
  PermanentError,
  ReliableConsumer,
  type MessageContext,
  type MiddlewareContext,
  type Next,
} from 'holdfast';
import { aQueue, World, type RunningHoldfast } from '../support/holdfast';

const queue = aQueue('orders');

/** Stands before the inbox, as authentication does: it fails the second try of what it is told to. */
@MessageMiddleware({ order: 250 })
class Gate {
  async use(context: MiddlewareContext, next: Next): Promise<void> {
    const { kind } = context.payload as { kind: string };
    if (kind === 'closed-once' && context.attempt === 2) throw new Error('the keys of the issuer are away');
    if (kind === 'closed' && context.attempt === 2)
      throw new PermanentError('the keys of the issuer are gone');
    await next();
    if (kind === 'never-ends') await new Promise(() => undefined);
  }
}

class Orders {
  @ReliableConsumer({ queue, retry: { delays: ['100ms', '100ms', '100ms'] }, timeout: '500ms' })
  async onOrder(_order: unknown, ctx: MessageContext): Promise<void> {
    await ctx.tx.query('insert into effect values ($1, $2)', ['orders', ctx.id]);
    if (ctx.attempt === 1 && ctx.id !== 'never-ends') throw new Error('not yet');
  }
}

describe('a try that fails before the inbox', () => {
  let world: World;
  let holdfast: RunningHoldfast;

  beforeAll(async () => {
    world = await World.create();
    holdfast = await world.start({ handlers: [Orders, Gate] });
  });
  afterAll(() => world.remove());

  it('does not disown the message whose earlier try is on record', async () => {
    await world.broker.send(queue, 'a-1', { kind: 'closed-once' });
    const { delivery } = await holdfast.outcome('a-1', 'completed');
    expect(delivery.attempt).toBe(3);
    expect(await world.effects('orders', 'a-1')).toBe(1);
  });

  it('leaves a dead letter that runs when it is put back', async () => {
    await world.broker.send(queue, 'a-2', { kind: 'closed' });
    await holdfast.outcome('a-2', 'dead-letter');
    const dead = await world.broker.take(`${queue}.dlq`);
    await world.broker.send(queue, 'a-2', dead.content, dead.properties);
    await holdfast.outcome('a-2', 'completed');
    expect(await world.effects('orders', 'a-2')).toBe(1);
  });

  it('frees its place when middleware hangs on its way out, and the effect stays one', async () => {
    await world.broker.send(queue, 'never-ends', { kind: 'never-ends' });
    await holdfast.outcome('never-ends', 'duplicate');
    expect(await world.effects('orders', 'never-ends')).toBe(1);
    expect(holdfast.consumers.get(queue).inFlight).toBe(0);
  });
});
