import 'reflect-metadata';
import { Injectable, Module, Scope, type Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import {
  HandlerConfigurationError,
  HoldfastModule,
  MessageMiddleware,
  ReliableBatchConsumer,
  ReliableConsumer,
  type ConsumerOptions,
  type HoldfastOptions,
} from 'holdfast';

/** What the boot says when it stops. It stops before anything is connected, so it needs no servers. */
async function bootError(
  options: HoldfastOptions,
  use: { nest: typeof NestFactory; holdfast: typeof HoldfastModule } = {
    nest: NestFactory,
    holdfast: HoldfastModule,
  },
): Promise<string> {
  const app = await use.nest.create(
    use.holdfast.forRoot({ environment: { PORT: '0' }, requireAllHandlers: false, ...options }),
    { logger: false, abortOnError: false },
  );
  try {
    await app.init();
  } catch (error) {
    return (error as Error).message;
  } finally {
    await app.close();
  }
  throw new Error('it booted');
}

/** As `orders`, under another name. */
function others(...options: Parameters<typeof ReliableConsumer>[0][]): Type {
  return Object.defineProperty(orders(...options), 'name', { value: 'Others' });
}

/** A class `Orders` with a method `onOrder` for each of the options. */
function orders(...options: Parameters<typeof ReliableConsumer>[0][]): Type {
  class Orders {
    onOrder(): void {
      return;
    }
  }
  const descriptor = Object.getOwnPropertyDescriptor(Orders.prototype, 'onOrder');
  for (const one of options) ReliableConsumer(one)(Orders.prototype, 'onOrder', descriptor ?? {});
  return Orders;
}

class Bare {
  id = '';
}

describe('a wrong handler stops the boot with one message that names class, method and mend', () => {
  it.each<[string, HoldfastOptions]>([
    ['an unknown option', { handlers: [orders({ queue: 'orders', retries: 3 } as ConsumerOptions)] }],
    ['an option out of its range', { handlers: [orders({ queue: 'orders', concurrency: 0 })] }],
    ['a duration that is none', { handlers: [orders({ queue: 'orders', timeout: '20' })] }],
    ['a retry policy that cannot be', { handlers: [orders({ queue: 'orders', retry: { delays: ['0s'] } })] }],
    ['a schema without rules', { handlers: [orders({ queue: 'orders', schema: Bare })] }],
    [
      'a secret that is too short',
      { handlers: [orders({ queue: 'orders', authenticate: { hmac: { secrets: 'x' } } })] },
    ],
    [
      'options that contradict each other',
      { handlers: [orders({ queue: 'orders', idempotency: 'off', onMissingTransactionId: 'process' })] },
    ],
    [
      'several mistakes at once',
      { handlers: [orders({ queue: '', prefetch: 0 }, { queue: 'more', deliveryLimit: 0 })] },
    ],
    ['two methods of one queue without a type', { handlers: [orders('orders'), others('orders')] }],
    [
      'a type that two methods take',
      { handlers: [orders({ queue: 'orders', type: 'a' }), others({ queue: 'orders', type: 'a' })] },
    ],
    [
      'methods that disagree on their queue',
      {
        handlers: [
          orders(
            { queue: 'orders', type: 'a', concurrency: 1 },
            { queue: 'orders', type: 'b', concurrency: 2 },
          ),
        ],
      },
    ],
    [
      'options that cannot be made of the configuration',
      {
        handlers: [orders((config) => config.getOrThrow('ORDERS_QUEUE_THAT_NOBODY_SET'))],
      },
    ],
    ['options that are a promise', { handlers: [orders((() => Promise.resolve('orders')) as never)] }],
    [
      'a retention shorter than the way of retries and the replay window',
      {
        handlers: [orders({ queue: 'orders', retry: { delay: '1d', attempts: 9 } })],
        environment: { HOLDFAST_INBOX_RETENTION: '14d', HOLDFAST_REPLAY_WINDOW: '7d' },
      },
    ],
    [
      'a retention shorter than what a rule waits',
      {
        handlers: [orders({ queue: 'orders', classify: [{ when: RangeError, then: { retryAfter: '4d' } }] })],
      },
    ],
  ])('%s', async (_, options) => {
    expect(await bootError(options)).toMatchSnapshot();
  });

  it('a request-scoped class', async () => {
    @Injectable({ scope: Scope.REQUEST })
    class Scoped {
      @ReliableConsumer('orders')
      onOrder(): void {
        return;
      }
    }
    expect(await bootError({ handlers: [Scoped] })).toMatchSnapshot();
  });

  it('a class that injects something request-scoped', async () => {
    @Injectable({ scope: Scope.REQUEST })
    class Tenant {}
    @Injectable()
    class Inheriting {
      constructor(readonly tenant: Tenant) {}
      @ReliableConsumer('orders')
      onOrder(): void {
        return;
      }
    }
    expect(await bootError({ handlers: [Tenant, Inheriting] })).toMatchSnapshot();
  });

  it('a transient class, of which there is no instance either', async () => {
    @Injectable({ scope: Scope.TRANSIENT })
    class Transient {
      @ReliableConsumer('orders')
      onOrder(): void {
        return;
      }
    }
    expect(await bootError({ handlers: [Transient] })).toMatchSnapshot();
  });

  it('a middleware class that is request-scoped', async () => {
    @MessageMiddleware()
    @Injectable({ scope: Scope.REQUEST })
    class Tenancy {
      use(_: unknown, next: () => Promise<void>): Promise<void> {
        return next();
      }
    }
    Injectable({ scope: Scope.REQUEST })(Tenancy);
    expect(await bootError({ handlers: [Tenancy] })).toMatchSnapshot();
  });

  it('a method that overrides a decorated one and is not decorated itself', async () => {
    class Overriding extends orders('orders') {
      onOrder(): void {
        return;
      }
    }
    expect(await bootError({ handlers: [Overriding] })).toMatchSnapshot();
  });

  it('a handler of batches, for the same reasons', async () => {
    class Batches {
      @ReliableBatchConsumer({ queue: 'orders', batchSize: 1 })
      onOrders(_: unknown[]): void {
        return;
      }
    }
    class Overriding extends Batches {
      override onOrders(): void {
        return;
      }
    }
    const single = orders({ queue: 'orders', batchSize: 100 } as ConsumerOptions);
    expect(await bootError({ handlers: [Batches] })).toMatchSnapshot();
    expect(await bootError({ handlers: [Overriding] })).toMatchSnapshot();
    expect(await bootError({ handlers: [single] })).toMatchSnapshot();
  });

  it('a class that two modules provide', async () => {
    const Orders = orders('orders');
    class First {}
    class Second {}
    Module({ providers: [Orders] })(First);
    Module({ providers: [Orders] })(Second);
    expect(await bootError({ imports: [First, Second] })).toMatchSnapshot();
  });

  it('a class that no module provides, unless the process has other applications', async () => {
    await jest.isolateModulesAsync(async () => {
      // Its own record of what was decorated, as a process of its own has it.
      const { NestFactory: nest } = await import('@nestjs/core');
      const holdfast = await import('holdfast');
      class Forgotten {
        onOrder(): void {
          return;
        }
      }
      const descriptor = Object.getOwnPropertyDescriptor(Forgotten.prototype, 'onOrder') ?? {};
      holdfast.ReliableConsumer('orders')(Forgotten.prototype, 'onOrder', descriptor);
      expect(
        await bootError({ requireAllHandlers: true }, { nest, holdfast: holdfast.HoldfastModule }),
      ).toMatchSnapshot();
    });
  });

  it('for middleware that no module provides, because it would never run', async () => {
    await jest.isolateModulesAsync(async () => {
      const { NestFactory: nest } = await import('@nestjs/core');
      const holdfast = await import('holdfast');
      class ForgottenCheck {
        use(): void {
          return;
        }
      }
      holdfast.MessageMiddleware({ order: 50 })(ForgottenCheck);
      expect(
        await bootError({ requireAllHandlers: true }, { nest, holdfast: holdfast.HoldfastModule }),
      ).toMatchSnapshot();
    });
  });

  it('as an error of its own class', async () => {
    const boot = NestFactory.createApplicationContext(
      HoldfastModule.forRoot({ environment: {}, requireAllHandlers: false, handlers: [orders('')] }),
      { logger: false, abortOnError: false },
    );
    await expect(boot).rejects.toThrow(HandlerConfigurationError);
  });
});
