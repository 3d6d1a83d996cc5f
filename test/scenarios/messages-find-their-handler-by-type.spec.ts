import { ReliableConsumer, type MessageContext } from 'holdfast';
import { takeDeadLetter } from '../support/dead-letters';
import { eventually } from '../support/eventually';
import { aQueue, World, type RunningHoldfast } from '../support/holdfast';

const byType = aQueue('type');
const byHeader = aQueue('header');
const byFunction = aQueue('function');
const discarding = aQueue('discarding');
const withRest = aQueue('rest');

const record = (ctx: MessageContext, handler: string): Promise<unknown> =>
  ctx.tx.query('insert into effect values ($1, $2, $3)', [handler, ctx.id, ctx.type ?? null]);

class Created {
  @ReliableConsumer({ queue: byType, type: 'order.created', retry: { delays: ['100ms'] } })
  async on({ failOnce }: { failOnce?: boolean }, ctx: MessageContext): Promise<void> {
    if (failOnce && ctx.attempt === 1) throw new Error('once');
    await record(ctx, 'created');
  }
}
class Changed {
  @ReliableConsumer({ queue: byType, type: ['order.changed', 'order.renamed'] })
  async on(_: unknown, ctx: MessageContext): Promise<void> {
    await record(ctx, 'changed');
  }
}
class ByHeader {
  @ReliableConsumer({ queue: byHeader, typeFrom: { header: 'event' }, type: 'a' })
  async onA(_: unknown, ctx: MessageContext): Promise<void> {
    await record(ctx, 'a');
  }

  @ReliableConsumer({ queue: byHeader, type: 'b' })
  async onB(_: unknown, ctx: MessageContext): Promise<void> {
    await record(ctx, 'b');
  }
}
class ByFunction {
  @ReliableConsumer({
    queue: byFunction,
    typeFrom: ({ routingKey, body }) => {
      if (body.toString().includes('throw')) throw new Error('no type in it');
      return routingKey.split('.').at(-1);
    },
    bindings: [{ exchange: 'events', routingKey: '#' }],
    type: 'created',
  })
  async onCreated(_: unknown, ctx: MessageContext): Promise<void> {
    await record(ctx, 'function');
  }
}
class Discarding {
  @ReliableConsumer({ queue: discarding, type: 'known', onUnknownType: 'discard' })
  async on(_: unknown, ctx: MessageContext): Promise<void> {
    await record(ctx, 'known');
  }
}
class WithRest {
  @ReliableConsumer({ queue: withRest, type: 'known' })
  async onKnown(_: unknown, ctx: MessageContext): Promise<void> {
    await record(ctx, 'known');
  }

  @ReliableConsumer(withRest)
  async onRest(_: unknown, ctx: MessageContext): Promise<void> {
    await record(ctx, 'rest');
  }
}

describe('messages of one queue find their handler by type', () => {
  let world: World;
  let holdfast: RunningHoldfast;
  const handlerOf = async (id: string): Promise<{ handler: string; detail: string | null } | undefined> => {
    await holdfast.outcome(id, 'completed');
    return (
      await world.database.query<{ handler: string; detail: string | null }>(
        'select handler, detail from effect where transaction_id = $1',
        [id],
      )
    )[0];
  };

  beforeAll(async () => {
    world = await World.create();
    holdfast = await world.start({
      handlers: [Created, Changed, ByHeader, ByFunction, Discarding, WithRest],
    });
  });
  afterAll(() => world.remove());

  it.each([
    ['order.created', 'created'],
    ['order.changed', 'changed'],
    ['order.renamed', 'changed'],
  ])('the AMQP type %s', async (type, handler) => {
    await world.broker.send(byType, type, {}, { type });
    expect(await handlerOf(type)).toEqual({ handler, detail: type });
  });

  it('also on a retry', async () => {
    await world.broker.send(byType, 'again', { failOnce: true }, { type: 'order.created' });
    expect(await handlerOf('again')).toEqual({ handler: 'created', detail: 'order.created' });
  });

  it.each(['a', 'b'])('a header, named by one of the handlers (%s)', async (event) => {
    await world.broker.send(byHeader, `h-${event}`, {}, { type: 'ignored', headers: { event } });
    expect(await handlerOf(`h-${event}`)).toEqual({ handler: event, detail: event });
  });

  it('a function of the delivery', async () => {
    await world.broker.publish('events', 'order.created', 'f-1', {});
    expect(await handlerOf('f-1')).toEqual({ handler: 'function', detail: 'created' });
  });

  it('a handler without a type takes the rest', async () => {
    await world.broker.send(withRest, 'r-1', {}, { type: 'known' });
    await world.broker.send(withRest, 'r-2', {}, { type: 'other' });
    await world.broker.send(withRest, 'r-3', {});
    expect(await Promise.all(['r-1', 'r-2', 'r-3'].map((id) => handlerOf(id)))).toEqual([
      { handler: 'known', detail: 'known' },
      { handler: 'rest', detail: 'other' },
      { handler: 'rest', detail: null },
    ]);
  });

  it.each([
    [
      byType,
      'order.lost',
      { type: 'order.lost' },
      /a message of type "order\.lost".*order\.created, order\.changed/,
    ],
    [byType, 'no type', {}, /a message without a type/],
    [byHeader, 'no header', { type: 'a' }, /a message without a type.*handlers for: a, b/],
    [byHeader, 'a header that is no text', { headers: { event: 7 } }, /a message without a type/],
  ])(
    'parks in %s a message of a type nobody handles, with its bytes untouched: %s',
    async (queue, id, options, error) => {
      const body = Buffer.from(`{"id": "${id}" , "spaces":   true}`);
      await world.broker.send(queue, id, body, options);
      const dead = await takeDeadLetter(world, queue);
      expect(dead.reason).toBe('no-handler');
      expect(dead.error).toMatch(error);
      expect(dead.body).toEqual(body);
      expect(dead.properties.messageId).toBe(id);
    },
  );

  it('parks a message in which the function finds no type because it throws', async () => {
    await world.broker.send(byFunction, 'thrower', 'throw');
    expect((await takeDeadLetter(world, byFunction)).reason).toBe('no-handler');
  });

  it('never tries a message of an unknown type again, and does not decode it', async () => {
    await world.broker.send(byType, 'garbage', Buffer.from('{{{'), { type: 'garbage' });
    expect(await takeDeadLetter(world, byType)).toMatchObject({
      reason: 'no-handler',
      headers: { 'x-retry-count': 1 },
    });
  });

  it('discards it, and says so, where the consumer asks for that', async () => {
    await world.broker.send(discarding, 'd-1', {}, { type: 'unknown' });
    const { outcome, acknowledged } =
      holdfast.settled.find(({ delivery }) => delivery.queue === discarding) ??
      (await holdfast.events.next('message.settled', ({ delivery }) => delivery.queue === discarding));
    expect(outcome).toEqual({ kind: 'discard', reason: 'no-handler' });
    expect(acknowledged).toBe(true);
    await eventually(async () => {
      expect(await world.broker.depth(discarding)).toBe(0);
    });
    expect(await world.broker.depth(`${discarding}.dlq`)).toBe(0);
  });
});
