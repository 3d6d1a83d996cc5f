import 'reflect-metadata';
import { Injectable } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import type { MiddlewareContext, Next } from '../message/message.module';
import { MessageMiddleware, readMessageMiddleware } from './message-middleware.decorator';

@Injectable()
class Clock {
  now = (): number => 1;
}

@MessageMiddleware({ order: 450, queues: ['orders'] })
class Tenant {
  constructor(readonly clock: Clock) {}

  use(_context: MiddlewareContext, next: Next): Promise<void> {
    return next();
  }
}

@MessageMiddleware()
class Plain {
  use(_context: MiddlewareContext, next: Next): Promise<void> {
    return next();
  }
}

class Heir extends Tenant {}

const USE = { use: (): void => {} };

describe('@MessageMiddleware', () => {
  it.each([
    [Tenant, { order: 450, queues: ['orders'] }],
    [Plain, { order: 500, queues: undefined }],
    [Heir, undefined],
    [Clock, undefined],
    [undefined, undefined],
    ['Tenant', undefined],
    [{}, undefined],
  ])('tells of %p: %j', (target, metadata) => {
    expect(readMessageMiddleware(target)).toEqual(metadata);
  });

  it('makes the class injectable', async () => {
    const app = await Test.createTestingModule({ providers: [Clock, Tenant] }).compile();
    expect(app.get(Tenant).clock.now()).toBe(1);
  });

  it.each([
    [{ order: 100 }, 'order 100 is taken by the built-in authenticate; use 99 or 101'],
    [{ order: 200 }, 'order 200 is taken by the built-in decode'],
    [{ order: 300 }, 'order 300 is taken by the built-in validate'],
    [{ order: 400 }, 'order 400 is taken by the idempotency stage'],
    [{ order: NaN }, 'it must be a finite number'],
    [{ order: '500' }, 'order is "500"'],
    [{ queues: [] }, 'queues is []'],
    [{ queues: 'orders' }, 'queues is "orders"'],
    [{ queues: [''] }, 'queues is [""]'],
    [{ orders: 3 }, 'unknown option orders'],
  ])('refuses %j, naming the class', (options, words) => {
    class Wrong {
      use = USE.use;
    }
    Object.assign(Wrong.prototype, USE);
    expect(() => {
      MessageMiddleware(options as object)(Wrong);
    }).toThrow(`@MessageMiddleware on Wrong: `);
    expect(() => {
      MessageMiddleware(options as object)(Wrong);
    }).toThrow(words);
  });

  it('refuses a class that cannot be used', () => {
    class Useless {
      used = false;
    }
    expect(() => {
      MessageMiddleware()(Useless as never);
    }).toThrow('@MessageMiddleware on Useless: the class has no method use(context, next)');
  });
});
