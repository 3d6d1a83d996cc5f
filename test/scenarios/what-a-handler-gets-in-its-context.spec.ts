import { Logger, type LoggerService } from '@nestjs/common';
import { ReliableConsumer, type MessageContext } from 'holdfast';
import { aQueue, World, type RunningHoldfast } from '../support/holdfast';

const queue = aQueue('orders');
const off = aQueue('off');
const TRACE = '0af7651916cd43dd8448eb211c80319c';

/** What the context said, in plain values: a copy, so that nothing can change it afterwards. */
const read = (ctx: MessageContext): Record<string, unknown> => ({
  id: ctx.id,
  attempt: ctx.attempt,
  queue: ctx.queue,
  exchange: ctx.exchange,
  routingKey: ctx.routingKey,
  headers: { ...ctx.headers },
  body: ctx.body.toString(),
  type: ctx.type,
  traceId: ctx.traceId,
  aborted: ctx.signal.aborted,
});

class Orders {
  readonly seen: Record<string, unknown>[] = [];

  @ReliableConsumer({
    queue,
    bindings: [{ exchange: 'shop', routingKey: 'order.*' }],
    retry: { delays: ['100ms', '1100ms'] },
  })
  on({ failures = 0, says }: { failures?: number; says?: string }, ctx: MessageContext): void {
    this.seen.push(read(ctx));
    if (says !== undefined) ctx.log.info(says, { orderId: 7 });
    if (ctx.attempt <= failures) throw new Error('again');
  }

  @ReliableConsumer({ queue: off, idempotency: 'off' })
  onOff(_: unknown, ctx: MessageContext): void {
    this.seen.push(read(ctx));
  }
}

class Lines implements LoggerService {
  readonly lines: unknown[] = [];
  log = (line: unknown): void => void this.lines.push(line);
  error = this.log;
  warn = this.log;
  debug = this.log;
}

describe('what a handler gets in its context', () => {
  let world: World;
  let holdfast: RunningHoldfast;
  const seen = (id: string): Record<string, unknown>[] =>
    holdfast.app.get(Orders).seen.filter((one) => one['id'] === id);

  beforeAll(async () => {
    world = await World.create();
    holdfast = await world.start({ handlers: [Orders] });
  });
  afterAll(() => world.remove());

  it('everything about the message, the same on every try but for the attempt', async () => {
    await world.broker.publish(
      'shop',
      'order.created',
      'c-1',
      { failures: 2 },
      { type: 'OrderCreated', headers: { tenant: 'x', traceparent: `00-${TRACE}-b7ad6b7169203331-01` } },
    );
    await holdfast.outcome('c-1', 'completed');
    const first = {
      id: 'c-1',
      attempt: 1,
      queue,
      exchange: 'shop',
      routingKey: 'order.created',
      body: '{"failures":2}',
      type: 'OrderCreated',
      traceId: TRACE,
      aborted: false,
    };
    expect(seen('c-1')).toMatchObject([first, { ...first, attempt: 2 }, { ...first, attempt: 3 }]);
    expect(seen('c-1')[2]).toMatchObject({ headers: { tenant: 'x', 'x-retry-count': 2 } });
  });

  it.each<[string, string, string | undefined, object, string]>([
    ['the message-id', queue, 'by-property', { headers: { 'x-transaction-id': 'ignored' } }, 'by-property'],
    [
      'a header where there is no message-id',
      queue,
      undefined,
      { headers: { 'x-transaction-id': 'by-header' } },
      'by-header',
    ],
    ['the message-id, without idempotency', off, 'off-1', {}, 'off-1'],
    ['nothing, without idempotency and without an id', off, undefined, {}, ''],
  ])('its id is %s', async (_, to, messageId, options, id) => {
    const settled = holdfast.events.next('message.settled');
    await world.broker.send(to, messageId, {}, options);
    expect((await settled).outcome.kind).toBe('completed');
    expect(seen(id)).toHaveLength(1);
  });

  it('a trace of its own, valid, where the producer named none or nonsense', async () => {
    await world.broker.send(queue, 't-1', {}, { headers: { traceparent: 'nonsense' } });
    await holdfast.outcome('t-1', 'completed');
    expect(seen('t-1')[0]?.['traceId']).toMatch(/^(?!0{32})[0-9a-f]{32}$/);
    expect(seen('t-1')[0]?.['traceId']).toBe((await holdfast.outcome('t-1', 'completed')).traceId);
  });

  it('a log whose lines bear the message', async () => {
    const lines = new Lines();
    Logger.overrideLogger(lines);
    try {
      await world.broker.send(queue, 'l-1', { says: 'reserved' });
      await holdfast.outcome('l-1', 'completed');
    } finally {
      Logger.overrideLogger(false);
    }
    expect(lines.lines).toContainEqual(
      expect.objectContaining({ msg: 'reserved', transactionId: 'l-1', queue, attempt: 1, orderId: 7 }),
    );
  });

  it('a signal that aborts at the end of the shutdown grace; the message goes back without a failure', async () => {
    const stopping = aQueue('stopping');
    let started = (): void => undefined;
    const running = new Promise<void>((resolve) => (started = resolve));
    let reason: unknown;
    const own = await world.start({ handlers: [], variables: { HOLDFAST_SHUTDOWN_GRACE: '300ms' } });
    own.consumers.register(stopping, async (_, { signal }) => {
      await new Promise<void>((_resolve, reject) => {
        signal.addEventListener('abort', () => {
          reason = signal.reason;
          reject(new Error('stopped'));
        });
        started();
      });
    });
    await own.attached();
    await world.broker.send(stopping, 's-1', {});
    await running;
    await own.stop();
    expect(reason).toMatchObject({ name: 'ShutdownError' });

    holdfast.consumers.register(stopping, (_, ctx) => {
      expect(ctx.attempt).toBe(1);
    });
    await holdfast.outcome('s-1', 'completed');
  });
});
