import { Controller, Get, Injectable, Module } from '@nestjs/common';
import { ConfigModule } from '@nestjs/config';
import { from, map, Observable, timer } from 'rxjs';
import { ReliableConsumer, type ConsumerStatus, type MessageContext } from 'holdfast';
import { takeDeadLetter } from '../support/dead-letters';
import { eventually } from '../support/eventually';
import { aQueue, World, type RunningHoldfast } from '../support/holdfast';

const plain = aQueue('plain');
const onController = aQueue('controller');
const fromConfig = aQueue('config');
const inherited = aQueue('inherited');
const both = [aQueue('first'), aQueue('second')] as const;
const byFactory = aQueue('factory');
const byValue = aQueue('value');
const observable = aQueue('observable');
const bound = aQueue('bound');

const record = (ctx: MessageContext, handler: string): Promise<unknown> =>
  ctx.tx.query('insert into effect values ($1, $2, $3)', [handler, ctx.id, ctx.queue]);

@Injectable()
class Greeter {
  greet(name: string): string {
    return `hello ${name}`;
  }
}

@Injectable()
class Plain {
  constructor(private readonly greeter: Greeter) {}

  @ReliableConsumer(plain)
  async on({ name }: { name: string }, ctx: MessageContext): Promise<void> {
    if (name === 'nobody') throw new TypeError('nobody is there');
    await record(ctx, this.greeter.greet(name));
  }
}

@Controller('greetings')
class OnController {
  @Get()
  list(): string[] {
    return ['hello'];
  }

  @ReliableConsumer(onController)
  async on(_: unknown, ctx: MessageContext): Promise<void> {
    await record(ctx, 'controller');
  }
}

class FromConfig {
  @ReliableConsumer((config) => ({
    queue: config.getOrThrow('ORDERS_QUEUE'),
    concurrency: Number(config.get('ORDERS_CONCURRENCY')),
  }))
  async on(_: unknown, ctx: MessageContext): Promise<void> {
    await record(ctx, 'config');
  }
}

abstract class Inherited {
  protected abstract readonly name: string;

  @ReliableConsumer(inherited)
  async on(_: unknown, ctx: MessageContext): Promise<void> {
    await record(ctx, this.name);
  }
}
class Heir extends Inherited {
  protected override readonly name = 'heir';
}

class Both {
  @ReliableConsumer(both[0])
  @ReliableConsumer({ queue: both[1], concurrency: 1 })
  async on(_: unknown, ctx: MessageContext): Promise<void> {
    await record(ctx, 'both');
  }
}

class Made {
  constructor(private readonly name: string) {}

  async on(_: unknown, ctx: MessageContext): Promise<void> {
    await record(ctx, this.name);
  }
}
class ByFactory extends Made {
  @ReliableConsumer(byFactory)
  override on(_: unknown, ctx: MessageContext): Promise<void> {
    return super.on(_, ctx);
  }
}
class ByValue extends Made {
  @ReliableConsumer(byValue)
  override on(_: unknown, ctx: MessageContext): Promise<void> {
    return super.on(_, ctx);
  }
}

class Streaming {
  @ReliableConsumer({ queue: observable, retry: false })
  on({ fail }: { fail?: boolean }, ctx: MessageContext): Observable<unknown> {
    if (fail) return timer(10).pipe(map(() => JSON.parse('{') as unknown));
    return from(record(ctx, 'observable'));
  }
}

class Bound {
  @ReliableConsumer({
    queue: bound,
    bindings: [
      { exchange: 'shop', routingKey: 'order.*' },
      { exchange: 'everything', routingKey: '', exchangeType: 'fanout' },
    ],
  })
  async on(_: unknown, ctx: MessageContext): Promise<void> {
    await record(ctx, `${ctx.exchange}/${ctx.routingKey}`);
  }
}

@Module({
  providers: [
    { provide: ByFactory, useFactory: () => Promise.resolve(new ByFactory('factory')) },
    { provide: 'any token', useValue: new ByValue('value') },
  ],
})
class Elsewhere {}

describe('one decorator makes a reliable consumer', () => {
  let world: World;
  let holdfast: RunningHoldfast;
  const status = (queue: string): ConsumerStatus => holdfast.consumers.get(queue);
  const effectsOf = async (id: string): Promise<unknown[]> =>
    (
      await world.database.query<{ handler: string }>(
        'select handler from effect where transaction_id = $1 order by 1',
        [id],
      )
    ).map(({ handler }) => handler);

  beforeAll(async () => {
    world = await World.create();
    holdfast = await world.start({
      handlers: [Greeter, Plain, FromConfig, Heir, Both, Streaming, Bound],
      controllers: [OnController],
      imports: [
        Elsewhere,
        ConfigModule.forRoot({
          ignoreEnvFile: true,
          load: [() => ({ ORDERS_QUEUE: fromConfig, ORDERS_CONCURRENCY: 3 })],
        }),
      ],
    });
  });
  afterAll(() => world.remove());

  it('with safe defaults from nothing but a queue', () => {
    expect(status(plain)).toMatchObject({
      state: 'running',
      handlers: [{ class: 'Plain', method: 'on', types: [] }],
      idempotency: ['transactional'],
      concurrency: 10,
      prefetch: 40,
      drift: [],
      retryDelays: ['10s', '30s', '1m'],
      deadLetterQueue: `${plain}.dlq`,
    });
  });

  it('on a durable quorum queue with its dead-letter queue beside it', async () => {
    const channel = await world.broker.ready();
    for (const queue of [plain, `${plain}.dlq`]) {
      const { queue: name } = await channel.assertQueue(queue, {
        durable: true,
        arguments: {
          'x-queue-type': 'quorum',
          ...(queue === plain && {
            'x-dead-letter-exchange': 'holdfast.dead',
            'x-dead-letter-routing-key': plain,
            'x-dead-letter-strategy': 'at-least-once',
            'x-overflow': 'reject-publish',
            'x-delivery-limit': 1_000,
          }),
        },
      });
      expect(name).toBe(queue);
    }
  });

  it('on a method of a provider, which injects what it needs', async () => {
    await world.broker.send(plain, 'p-1', { name: 'world' });
    await holdfast.outcome('p-1', 'completed');
    expect(await effectsOf('p-1')).toEqual(['hello world']);
  });

  it('that tries a failure again by default', async () => {
    await world.broker.send(plain, 'p-2', { name: 'nobody' });
    const { outcome, handler } = await holdfast.outcome('p-2', 'retry');
    expect(outcome).toMatchObject({ delayMs: 10_000, reason: 'TypeError' });
    expect(handler).toBe('Plain.on');
  });

  it('on a method of a controller', async () => {
    await world.broker.send(onController, 'c-1', {});
    await holdfast.outcome('c-1', 'completed');
    expect(await effectsOf('c-1')).toEqual(['controller']);
  });

  it('with options from the ConfigService of the application', async () => {
    expect(status(fromConfig).concurrency).toBe(3);
    await world.broker.send(fromConfig, 'f-1', {});
    await holdfast.outcome('f-1', 'completed');
  });

  it('on an inherited method', async () => {
    expect(status(inherited).handlers).toEqual([{ class: 'Heir', method: 'on', types: [] }]);
    await world.broker.send(inherited, 'i-1', {});
    await holdfast.outcome('i-1', 'completed');
    expect(await effectsOf('i-1')).toEqual(['heir']);
  });

  it('as often as a method has queues; the same id in two queues is two messages', async () => {
    for (const queue of both) await world.broker.send(queue, 'b-1', {});
    await eventually(() => {
      const queues = holdfast.settled.map(({ delivery }) => delivery.queue);
      expect(queues).toEqual(expect.arrayContaining([...both]));
    });
    expect(await effectsOf('b-1')).toEqual(['both', 'both']);
    expect(both.map((queue) => status(queue).concurrency)).toEqual([10, 1]);
  });

  it.each([
    [byFactory, 'factory'],
    [byValue, 'value'],
  ])('on an instance that somebody else made (%s)', async (queue, name) => {
    await world.broker.send(queue, `made-${name}`, {});
    await holdfast.outcome(`made-${name}`, 'completed');
    expect(await effectsOf(`made-${name}`)).toEqual([name]);
  });

  it('that waits for the end of an Observable', async () => {
    await world.broker.send(observable, 'o-1', {});
    await holdfast.outcome('o-1', 'completed');
    expect(await effectsOf('o-1')).toEqual(['observable']);

    await world.broker.send(observable, 'o-2', { fail: true });
    await holdfast.outcome('o-2', 'dead-letter');
    expect((await takeDeadLetter(world, observable)).error).toMatch(/^SyntaxError: /);
  });

  it('that receives what its bindings ask for, from exchanges that did not exist', async () => {
    await world.broker.publish('shop', 'order.created', 'x-1', {});
    await world.broker.publish('shop', 'invoice.created', 'x-2', {});
    await world.broker.publish('everything', 'whatever', 'x-3', {});
    await holdfast.outcome('x-1', 'completed');
    await holdfast.outcome('x-3', 'completed');
    expect(await effectsOf('x-1')).toEqual(['shop/order.created']);
    expect(await effectsOf('x-2')).toEqual([]);
    expect(await effectsOf('x-3')).toEqual(['everything/whatever']);
  });

  it('with options from the environment where the application has no ConfigService', async () => {
    process.env['HOLDFAST_TEST_ORDERS_QUEUE'] = aQueue('environment');
    class FromEnvironment {
      @ReliableConsumer((config) => config.getOrThrow('HOLDFAST_TEST_ORDERS_QUEUE'))
      on(): void {
        return;
      }
    }
    try {
      const other = await world.start({ handlers: [FromEnvironment] });
      expect(other.consumers.list().map(({ queue }) => queue)).toEqual([
        process.env['HOLDFAST_TEST_ORDERS_QUEUE'],
      ]);
      await other.stop();
    } finally {
      delete process.env['HOLDFAST_TEST_ORDERS_QUEUE'];
    }
  });
});
