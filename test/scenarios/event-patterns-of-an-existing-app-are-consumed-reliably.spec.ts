import {
  Catch,
  Controller,
  Get,
  Injectable,
  Module,
  UseFilters,
  UseGuards,
  type CanActivate,
  type ExceptionFilter,
  type INestApplication,
} from '@nestjs/common';
import { APP_FILTER, NestFactory } from '@nestjs/core';
import { Ctx, EventPattern, MessagePattern, Payload, RpcException } from '@nestjs/microservices';
import { defer, delay, from, of, throwError, type Observable } from 'rxjs';
import {
  Consumers,
  EventBus,
  HOLDFAST,
  HoldfastModule,
  HoldfastStrategy,
  PermanentError,
  RetryLater,
  type ConsumerOptions,
  type HoldfastEvents,
  type MessageContext,
} from 'holdfast';
import { takeDeadLetter } from '../support/dead-letters';
import { eventually } from '../support/eventually';
import { aQueue, World } from '../support/holdfast';

type Settled = HoldfastEvents['message.settled'];

const orders = aQueue('orders');
const typed = aQueue('typed');
const otherTyped = aQueue('other-typed');
const streams = aQueue('streams');
const filtered = aQueue('filtered');
const guarded = aQueue('guarded');
const untagged = aQueue('untagged');

class CardDeclined extends Error {}

/** Answers instead of throwing, as filters of HTTP applications do. */
@Catch()
class AsyncFilter implements ExceptionFilter {
  async catch(): Promise<string> {
    await Promise.resolve();
    return 'swallowed';
  }
}
@Catch()
class ValueFilter implements ExceptionFilter {
  catch(): string {
    return 'swallowed';
  }
}
@Injectable()
class Locked implements CanActivate {
  canActivate(): boolean {
    return false;
  }
}

const options: Partial<ConsumerOptions> = {
  retry: { delays: ['100ms'] },
  classify: [{ when: CardDeclined, then: 'dead-letter' }],
};

@Controller()
@UseFilters(ValueFilter)
class OrdersController {
  @Get('health-of-the-app')
  health(): string {
    return 'ok';
  }

  @EventPattern(orders, HOLDFAST, options)
  async onOrder(
    @Payload() { id, fail }: { id: string; fail?: string },
    @Ctx() ctx: MessageContext,
  ): Promise<void> {
    await ctx.tx.query('insert into effect values ($1, $2, $3)', ['orders', ctx.id, id]);
    if (fail === 'permanent') throw new PermanentError('never');
    if (fail === 'declined') throw new CardDeclined('no money');
    if (fail === 'later') throw new RetryLater('3h');
    if (fail === 'once' && ctx.attempt === 1) throw new RangeError('not yet');
  }

  @EventPattern('order.created', HOLDFAST, { ...options, queue: typed })
  async onTyped(@Ctx() ctx: MessageContext): Promise<void> {
    await ctx.tx.query('insert into effect values ($1, $2)', ['created', ctx.id]);
  }

  @EventPattern('order.created', HOLDFAST, { ...options, queue: otherTyped })
  async onOtherTyped(@Ctx() ctx: MessageContext): Promise<void> {
    await ctx.tx.query('insert into effect values ($1, $2)', ['other created', ctx.id]);
  }

  @EventPattern('order.changed', HOLDFAST, { ...options, queue: typed })
  async onChanged(@Ctx() ctx: MessageContext): Promise<void> {
    await ctx.tx.query('insert into effect values ($1, $2)', ['changed', ctx.id]);
  }

  @EventPattern(streams, HOLDFAST, { retry: false })
  onStream(@Payload() { fail }: { fail?: boolean }, @Ctx() ctx: MessageContext): Observable<unknown> {
    if (fail) return throwError(() => new CardDeclined('in the stream'));
    return of(1, 2).pipe(delay(20), () =>
      defer(() => from(ctx.tx.query('insert into effect values ($1, $2)', ['stream', ctx.id]))),
    );
  }

  @EventPattern(filtered, HOLDFAST, { retry: false })
  @UseFilters(AsyncFilter)
  onFiltered(): void {
    throw new CardDeclined('behind a filter');
  }

  @EventPattern(guarded, HOLDFAST, {
    retry: false,
    classify: [{ when: RpcException, then: 'dead-letter' }],
  })
  @UseGuards(Locked)
  onGuarded(): string {
    return 'never';
  }

  /** Another transport's. */
  @EventPattern(untagged)
  onUntagged(): string {
    return 'not ours';
  }

  @MessagePattern('question')
  onQuestion(): string {
    return 'not ours either';
  }
}

class ShopModule {}

describe('@EventPattern handlers of an existing application are consumed reliably', () => {
  let world: World;
  let app: INestApplication;
  const settled: Settled[] = [];
  const outcome = async (id: string, kind: Settled['outcome']['kind']): Promise<Settled> => {
    const fits = (event: Settled): boolean => event.transactionId === id && event.outcome.kind === kind;
    return settled.find(fits) ?? (await app.get(EventBus).next('message.settled', fits));
  };

  beforeAll(async () => {
    world = await World.create();
    Module({
      imports: [HoldfastModule.forRoot({ environment: world.environment, requireAllHandlers: false })],
      controllers: [OrdersController],
      providers: [Locked, { provide: APP_FILTER, useClass: AsyncFilter }],
    })(ShopModule);
    app = await NestFactory.create(ShopModule, { logger: false, abortOnError: false });
    app.useGlobalFilters(new ValueFilter());
    app.connectMicroservice({ strategy: app.get(HoldfastStrategy) }, { inheritAppConfig: true });
    app.get(EventBus).on('message.settled', (event) => settled.push(event));
    await app.startAllMicroservices();
    await app.listen(0);
    await eventually(() => {
      const states = app.get(Consumers).list();
      expect(states.map(({ state }) => state)).toEqual(states.map(() => 'running'));
    });
  });
  afterAll(async () => {
    await app.close();
    await world.remove();
  });

  it('as consumers of the queues their patterns or options name, and nothing else', () => {
    const consumers = app.get(Consumers).list();
    expect(consumers.map(({ queue }) => queue).sort()).toEqual(
      [orders, typed, otherTyped, streams, filtered, guarded].sort(),
    );
    expect(app.get(Consumers).get(typed).handlers).toEqual([
      { class: 'OrdersController', method: 'onTyped', types: ['order.created'] },
      { class: 'OrdersController', method: 'onChanged', types: ['order.changed'] },
    ]);
  });

  it('leaves HTTP as it was', async () => {
    const response = await fetch(`${await app.getUrl()}/health-of-the-app`);
    expect(await response.text()).toBe('ok');
  });

  it('gives payload and context, and commits the effect with the message', async () => {
    await world.broker.send(orders, 'o-1', { id: 'o-1' });
    expect((await outcome('o-1', 'completed')).handler).toBe('OrdersController.onOrder');
    expect(await world.effects('orders', 'o-1')).toBe(1);
    await world.broker.send(orders, 'o-1', { id: 'o-1' });
    await outcome('o-1', 'duplicate');
    expect(await world.effects('orders', 'o-1')).toBe(1);
  });

  it('tries an error again, keeping its class', async () => {
    await world.broker.send(orders, 'o-2', { id: 'o-2', fail: 'once' });
    expect((await outcome('o-2', 'retry')).outcome).toMatchObject({ reason: 'RangeError', delayMs: 100 });
    await outcome('o-2', 'completed');
    expect(await world.effects('orders', 'o-2')).toBe(1);
  });

  it.each([
    ['permanent', 'PermanentError: never'],
    ['declined', 'CardDeclined: no money'],
  ])('the failure policy sees the original error: %s', async (fail, error) => {
    await world.broker.send(orders, fail, { id: fail, fail });
    await outcome(fail, 'dead-letter');
    expect(await takeDeadLetter(world, orders)).toMatchObject({
      reason: 'permanent-error',
      error,
    });
    expect(await world.effects('orders', fail)).toBe(0);
  });

  it('the failure policy sees the original error: RetryLater', async () => {
    await world.broker.send(orders, 'later', { id: 'later', fail: 'later' });
    expect((await outcome('later', 'retry')).outcome).toMatchObject({ delayMs: 10_800_000 });
  });

  it('tells handlers of one queue apart by type, and the same type in two queues', async () => {
    await world.broker.send(typed, 't-1', {}, { type: 'order.created' });
    await world.broker.send(typed, 't-2', {}, { type: 'order.changed' });
    await world.broker.send(otherTyped, 't-3', {}, { type: 'order.created' });
    await Promise.all(['t-1', 't-2', 't-3'].map((id) => outcome(id, 'completed')));
    expect(
      await world.database.query("select * from effect where transaction_id like 't-%' order by 2"),
    ).toEqual([
      { handler: 'created', transaction_id: 't-1', detail: null },
      { handler: 'changed', transaction_id: 't-2', detail: null },
      { handler: 'other created', transaction_id: 't-3', detail: null },
    ]);
  });

  it('waits for an Observable, and takes its error for a failure', async () => {
    await world.broker.send(streams, 's-1', {});
    await outcome('s-1', 'completed');
    expect(await world.effects('stream', 's-1')).toBe(1);
    await world.broker.send(streams, 's-2', { fail: true });
    await outcome('s-2', 'dead-letter');
    expect((await takeDeadLetter(world, streams)).error).toBe('CardDeclined: in the stream');
  });

  it('no filter of the application, of the class or of the method acknowledges a failure', async () => {
    await world.broker.send(filtered, 'f-1', {});
    await outcome('f-1', 'dead-letter');
    expect(await takeDeadLetter(world, filtered)).toMatchObject({
      reason: 'attempts-exhausted',
      error: 'CardDeclined: behind a filter',
    });
  });

  it('a guard that refuses is a failure like any other', async () => {
    await world.broker.send(guarded, 'g-1', {});
    await outcome('g-1', 'dead-letter');
    expect(await takeDeadLetter(world, guarded)).toMatchObject({
      reason: 'permanent-error',
      error: 'RpcException: Forbidden resource',
    });
  });

  describe('in an application of its own', () => {
    const start = async (
      controller: new () => object,
      steps: (app: INestApplication) => Promise<unknown>,
    ): Promise<INestApplication> => {
      class OwnModule {}
      Module({
        imports: [HoldfastModule.forRoot({ environment: world.environment, requireAllHandlers: false })],
        controllers: [controller],
      })(OwnModule);
      const own = await NestFactory.create(OwnModule, { logger: false, abortOnError: false });
      own.connectMicroservice({ strategy: own.get(HoldfastStrategy) });
      try {
        await steps(own);
      } catch (error) {
        await own.close();
        throw error;
      }
      return own;
    };

    it('starts microservices after it listens as well as before', async () => {
      const queue = aQueue('after');
      @Controller()
      class After {
        @EventPattern(queue, HOLDFAST)
        async on(@Ctx() ctx: MessageContext): Promise<void> {
          await ctx.tx.query('insert into effect values ($1, $2)', ['after', ctx.id]);
        }
      }
      const own = await start(After, async (one) => {
        await one.listen(0);
        await one.startAllMicroservices();
      });
      await world.broker.send(queue, 'after-1', {}).catch(() => undefined);
      await eventually(() => {
        expect(own.get(Consumers).get(queue).state).toBe('running');
      });
      await world.broker.send(queue, 'after-2', {});
      await eventually(async () => {
        expect(await world.effects('after', 'after-2')).toBe(1);
      });
      await own.close();
    });

    it.each<[string, (name: string) => new () => object, RegExp]>([
      [
        'two methods on one pattern',
        (queue) => {
          @Controller()
          class Twice {
            @EventPattern(queue, HOLDFAST)
            one(): void {
              return;
            }

            @EventPattern(queue, HOLDFAST)
            two(): void {
              return;
            }
          }
          return Twice;
        },
        /2 handlers without a type: Twice\.one, Twice\.two; give each its own `type`/,
      ],
      [
        'a pattern that expects an answer',
        (queue) => {
          @Controller()
          class Asking {
            @MessagePattern(queue, HOLDFAST as never)
            on(): string {
              return 'answer';
            }
          }
          return Asking;
        },
        /Asking\.on: use @EventPattern; @MessagePattern expects an answer/,
      ],
      [
        'options that cannot be',
        (queue) => {
          @Controller()
          class Wrong {
            @EventPattern(queue, HOLDFAST, { concurrency: 0 })
            on(): void {
              return;
            }
          }
          return Wrong;
        },
        /Wrong\.on: concurrency: /,
      ],
    ])('refuses %s, before and after it listens', async (_, controller, complaint) => {
      const type = controller(aQueue('refused'));
      const before = start(type, async (one) => {
        await one.startAllMicroservices();
      });
      await expect(before).rejects.toThrow(complaint);
      const after = start(type, async (one) => {
        await one.init();
        await one.startAllMicroservices();
      });
      await expect(after).rejects.toThrow(complaint);
    });
  });
});
