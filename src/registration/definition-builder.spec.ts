import type { ConsumerConfig } from '../config/config.module';
import type { BatchConsumerOptions, ConsumerOptions } from './consumer-options';
import { buildDefinitions, HandlerConfigurationError, type FoundHandler } from './definition-builder';

const defaults = { concurrency: 10, timeoutMs: 20_000, deliveryLimit: 5 } as ConsumerConfig;

const handler = (name: string, options: ConsumerOptions): FoundHandler => {
  const [className = '', methodName = ''] = name.split('.');
  return { className, methodName, options, invoke: () => undefined };
};
const build = (...handlers: [string, ConsumerOptions][]) =>
  buildDefinitions(
    handlers.map(([name, options]) => handler(name, options)),
    defaults,
  );
const one = (options: Partial<ConsumerOptions>) => {
  const [definition] = build(['Orders.on', { queue: 'orders', ...options }]);
  if (!definition) throw new Error('no definition');
  return definition;
};

describe('buildDefinitions', () => {
  it('makes a safe consumer of nothing but a queue', () => {
    const { typeOf, handlers, ...rest } = one({});
    expect(rest).toEqual({
      queue: 'orders',
      queueType: 'quorum',
      declare: true,
      bindings: [],
      concurrency: 10,
      prefetch: 40,
      deliveryLimit: 5,
      onUnknownType: 'dead-letter',
    });
    expect(handlers).toMatchObject([
      {
        types: [],
        schema: undefined,
        authenticate: undefined,
        retry: { attempts: 4, lanes: [[10_000], [30_000], [60_000]] },
        immediateRetries: 0,
        classify: [],
        idempotency: 'transactional',
        onMissingTransactionId: 'dead-letter',
        timeoutMs: 20_000,
      },
    ]);
    expect(typeOf({ properties: { type: 'a' } } as never)).toBe('a');
  });

  it.each<[string, Partial<BatchConsumerOptions>, object]>([
    ['there is room for two batches', {}, { size: 100, concurrency: 200, prefetch: 400 }],
    ['of the size it names', { batchSize: 30 }, { size: 30, concurrency: 60, prefetch: 120 }],
    ['it fits into the concurrency', { concurrency: 20 }, { size: 20, concurrency: 20, prefetch: 40 }],
    ['and into the prefetch', { prefetch: 50 }, { size: 50, concurrency: 50, prefetch: 50 }],
  ])('a batch: %s', (_, options, expected) => {
    const invoke = (): undefined => undefined;
    const found = { className: 'Orders', methodName: 'on', isBatch: true, invoke };
    const [definition] = buildDefinitions([{ ...found, options: { queue: 'orders', ...options } }], defaults);
    const { concurrency, prefetch } = definition ?? {};
    expect({ size: definition?.handlers[0]?.batchSize, concurrency, prefetch }).toEqual(expected);
  });

  it.each<[string, Partial<ConsumerOptions>, object]>([
    ['prefetch is four times the concurrency', { concurrency: 50 }, { concurrency: 50, prefetch: 200 }],
    ['and at least ten', { concurrency: 1 }, { concurrency: 1, prefetch: 10 }],
    ['a small prefetch lowers the concurrency', { prefetch: 4 }, { concurrency: 4, prefetch: 4 }],
    ['a large one does not raise it', { prefetch: 400 }, { concurrency: 10, prefetch: 400 }],
    ['shared commits have room for two groups', { commit: 'shared' }, { concurrency: 200, prefetch: 400 }],
    [
      'and smaller groups need less of it',
      { commit: 'shared', groupSize: 20 },
      { concurrency: 40, prefetch: 80 },
    ],
    [
      'an exchange is a topic exchange',
      { bindings: [{ exchange: 'shop', routingKey: 'a.*' }] },
      { bindings: [{ exchange: 'shop', routingKey: 'a.*', exchangeType: 'topic' }] },
    ],
    [
      'unless it says otherwise',
      { bindings: [{ exchange: 'shop', routingKey: '', exchangeType: 'fanout' }] },
      { bindings: [{ exchange: 'shop', routingKey: '', exchangeType: 'fanout' }] },
    ],
    ['a timeout in words', { timeout: '1m30s' }, { handlers: [{ timeoutMs: 90_000 }] }],
    ['one type', { type: 'a' }, { handlers: [{ types: ['a'] }] }],
    ['a type that is named twice', { type: ['a', 'a'] }, { handlers: [{ types: ['a'] }] }],
    ['several types', { type: ['a', 'b'] }, { handlers: [{ types: ['a', 'b'] }] }],
  ])('%s', (_, options, expected) => {
    expect(one(options)).toMatchObject(expected);
  });

  it.each<[string, Partial<ConsumerOptions>, object, string | undefined]>([
    ['the AMQP type', {}, { properties: { type: 'a' }, headers: {} }, 'a'],
    ['no type', {}, { properties: {}, headers: {} }, undefined],
    [
      'a header',
      { typeFrom: { header: 'event' } },
      { properties: { type: 'a' }, headers: { event: 'b' } },
      'b',
    ],
    [
      'a header that is no text',
      { typeFrom: { header: 'event' } },
      { properties: {}, headers: { event: 7 } },
      undefined,
    ],
    ['a function', { typeFrom: ({ body }) => body.toString() }, { body: Buffer.from('c') }, 'c'],
  ])('finds the type in %s', (_, options, delivery, expected) => {
    expect(one(options).typeOf(delivery as never)).toBe(expected);
  });

  it('makes one consumer of all handlers of a queue, with what any of them says about the queue', () => {
    const [orders, payments, ...rest] = build(
      [
        'Orders.created',
        { queue: 'orders', type: 'created', bindings: [{ exchange: 'a', routingKey: 'x' }] },
      ],
      ['Payments.on', { queue: 'payments' }],
      [
        'Orders.changed',
        { queue: 'orders', type: 'changed', concurrency: 3, bindings: [{ exchange: 'b', routingKey: 'y' }] },
      ],
    );
    expect(rest).toEqual([]);
    expect(payments).toMatchObject({ queue: 'payments', concurrency: 10 });
    expect(orders).toMatchObject({
      queue: 'orders',
      concurrency: 3,
      bindings: [{ exchange: 'a' }, { exchange: 'b' }],
      handlers: [{ methodName: 'created' }, { methodName: 'changed' }],
    });
  });

  it('lets handlers of a queue agree on an option of the queue', () => {
    const both = { queue: 'orders', typeFrom: { header: 'event' }, concurrency: 3 };
    expect(build(['A.on', { ...both, type: 'a' }], ['B.on', { ...both, type: 'b' }])).toHaveLength(1);
  });

  it.each<[string, [string, ConsumerOptions][], string]>([
    [
      'a wrong option, by class and method',
      [['Orders.on', { queue: 'orders', concurrency: 0 }]],
      'Orders.on: concurrency: Too small: expected number to be >=1',
    ],
    [
      'two handlers without a type',
      [
        ['Orders.on', { queue: 'orders' }],
        ['Others.on', { queue: 'orders' }],
      ],
      'the queue "orders" has 2 handlers without a type: Orders.on, Others.on; give each its own `type`, or its own queue',
    ],
    [
      'one class in two modules',
      [
        ['Orders.on', { queue: 'orders' }],
        ['Orders.on', { queue: 'orders' }],
      ],
      'the queue "orders" has 2 handlers without a type: Orders.on, Orders.on; it is one method of two instances, so provide the class in one module and import that one',
    ],
    [
      'a type that is taken twice',
      [
        ['Orders.on', { queue: 'orders', type: ['a', 'b'] }],
        ['Others.on', { queue: 'orders', type: 'b' }],
      ],
      'the type "b" of the queue "orders" is taken by Orders.on and by Others.on; keep one of them',
    ],
    [
      'handlers that disagree on the queue',
      [
        ['Orders.on', { queue: 'orders', type: 'a', queueType: 'classic' }],
        ['Others.on', { queue: 'orders', type: 'b', queueType: 'quorum' }],
      ],
      'Orders.on and Others.on disagree on `queueType` of the queue "orders"; it belongs to the queue, so name it once',
    ],
    [
      'handlers that find the type in different places',
      [
        ['Orders.on', { queue: 'orders', type: 'a', typeFrom: { header: 'x' } }],
        ['Others.on', { queue: 'orders', type: 'b', typeFrom: { header: 'y' } }],
      ],
      'Orders.on and Others.on disagree on `typeFrom` of the queue "orders"; it belongs to the queue, so name it once',
    ],
    [
      'prefetch of one handler below the concurrency of another',
      [
        ['Orders.on', { queue: 'orders', type: 'a', prefetch: 5 }],
        ['Others.on', { queue: 'orders', type: 'b', concurrency: 10 }],
      ],
      'the queue "orders": prefetch (5) of Orders.on is below concurrency (10) of Others.on: some handlers could never run; raise prefetch or leave it out',
    ],
    [
      'onUnknownType beside a handler that takes every type',
      [
        ['Orders.on', { queue: 'orders', type: 'a', onUnknownType: 'discard' }],
        ['Others.on', { queue: 'orders' }],
      ],
      'the queue "orders": onUnknownType of Orders.on has no effect, because Others.on has no type and takes every message; leave it out',
    ],
  ])('refuses %s', (_, handlers, complaint) => {
    expect(() => build(...handlers)).toThrow(new HandlerConfigurationError([complaint]));
  });

  it('tells what is wrong with all handlers in one message', () => {
    const wrong = () =>
      build(['Orders.on', { queue: '' }], ['Payments.on', { queue: 'payments', timeout: 'soon' }]);
    expect(wrong).toThrow(HandlerConfigurationError);
    expect(wrong).toThrow(
      /^the message handlers are not configured correctly:\n {2}- Orders\.on: queue: .*\n {2}- Payments\.on: timeout: /,
    );
  });
});
