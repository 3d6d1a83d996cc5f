import { Injectable } from '@nestjs/common';
import {
  Discard,
  MessageMiddleware,
  PermanentError,
  ReliableConsumer,
  type MessageContext,
  type MiddlewareContext,
  type MiddlewareHandler,
  type Next,
} from 'holdfast';
import { takeDeadLetter } from '../support/dead-letters';
import { aQueue, World, type RunningHoldfast } from '../support/holdfast';

const queue = aQueue('orders');
const other = aQueue('other');
const off = aQueue('off');

interface Order {
  id: string;
  at?: string;
  does?: string;
  tenant?: string;
}

/** What ran, by transaction id. */
@Injectable()
class Journal {
  private readonly entries = new Map<string, string[]>();

  note(ctx: MessageContext, what: string): void {
    this.entries.set(ctx.id, [...this.of(ctx.id), what]);
  }

  of(id: string): string[] {
    return this.entries.get(id) ?? [];
  }
}

abstract class Noting implements MiddlewareHandler {
  constructor(protected readonly journal: Journal) {}

  async use(ctx: MiddlewareContext, next: Next): Promise<void> {
    const { name } = this.constructor;
    this.journal.note(ctx, `${name} ${Buffer.isBuffer(ctx.payload) ? 'bytes' : 'value'}`);
    const does = JSON.parse(ctx.body.toString()) as Order;
    if (does.at === name) await this.misbehave(ctx, does.does ?? '');
    if (!(does.at === name && does.does === 'stop')) await next();
    this.journal.note(ctx, `${name} after`);
  }

  private async misbehave(ctx: MiddlewareContext, what: string): Promise<void> {
    if (what === 'discard') throw new Discard('unwanted tenant');
    if (what === 'permanent') throw new PermanentError('not for us');
    if (what === 'fail' && ctx.attempt === 1) throw new TypeError('once');
    if (what === 'tx') await ctx.tx.query('insert into effect values ($1, $2)', ['middleware', ctx.id]);
    if (what === 'sql') await ctx.sql.query('select 1');
    if (what === 'publish') await ctx.publish('', `${other}.nowhere`, {});
  }
}

@MessageMiddleware({ order: 50 })
class BeforeAll extends Noting {}
@MessageMiddleware({ order: 150 })
class BeforeDecode extends Noting {}
@MessageMiddleware({ order: 350 })
class Outside extends Noting {}
@MessageMiddleware()
class Inside extends Noting {
  override async use(ctx: MiddlewareContext, next: Next): Promise<void> {
    (ctx.payload as Order).tenant = 'from middleware';
    await super.use(ctx, next);
  }
}
@MessageMiddleware({ order: 600, queues: [other] })
class OnlyOther extends Noting {}
@MessageMiddleware({ order: 700, queues: [queue] })
class Swallowing extends Noting {
  override async use(ctx: MiddlewareContext, next: Next): Promise<void> {
    if ((ctx.payload as Order).does === 'swallow') {
      await next().catch(() => undefined);
      return;
    }
    if ((ctx.payload as Order).does === 'not awaited') {
      void next();
      return;
    }
    if ((ctx.payload as Order).does === 'twice') {
      await next();
      await next();
      return;
    }
    if ((ctx.payload as Order).does === 'translate') {
      await next().catch((error: unknown) => {
        throw new PermanentError('translated', { cause: error });
      });
      return;
    }
    await super.use(ctx, next);
  }
}

class Orders {
  constructor(private readonly journal: Journal) {}

  @ReliableConsumer({ queue, retry: { delays: ['100ms'] } })
  async on(order: Order, ctx: MessageContext): Promise<void> {
    this.journal.note(ctx, 'handler');
    await ctx.tx.query('insert into effect values ($1, $2, $3)', ['orders', ctx.id, order.tenant]);
    if (order.does === 'swallow' || order.does === 'translate') throw new RangeError('of the handler');
  }

  @ReliableConsumer({ queue: other, retry: false })
  async onOther(order: Order, ctx: MessageContext): Promise<void> {
    await this.on(order, ctx);
  }

  @ReliableConsumer({ queue: off, retry: false, idempotency: 'off' })
  onOff(_: Order, ctx: MessageContext): void {
    this.journal.note(ctx, 'handler');
  }
}
Injectable()(Orders);
Reflect.defineMetadata('design:paramtypes', [Journal], Orders);
for (const type of [BeforeAll, BeforeDecode, Outside, Inside, OnlyOther, Swallowing])
  Reflect.defineMetadata('design:paramtypes', [Journal], type);

describe('middleware runs around the handler', () => {
  let world: World;
  let holdfast: RunningHoldfast;
  const journalOf = (id: string): string[] => holdfast.app.get(Journal).of(id);
  const send = (to: string, order: Order): Promise<void> => world.broker.send(to, order.id, order);

  beforeAll(async () => {
    world = await World.create();
    holdfast = await world.start({
      handlers: [Journal, OnlyOther, Swallowing, Inside, Outside, BeforeDecode, BeforeAll, Orders],
    });
  });
  afterAll(() => world.remove());

  it('in its stated order, from bytes to values, and may change what comes after', async () => {
    await send(queue, { id: 'm-1' });
    await holdfast.outcome('m-1', 'completed');
    expect(journalOf('m-1')).toEqual([
      'BeforeAll bytes',
      'BeforeDecode bytes',
      'Outside value',
      'Inside value',
      'Swallowing value',
      'handler',
      'Swallowing after',
      'Inside after',
      'Outside after',
      'BeforeDecode after',
      'BeforeAll after',
    ]);
    expect(await world.database.query("select detail from effect where transaction_id = 'm-1'")).toEqual([
      { detail: 'from middleware' },
    ]);
  });

  it('only for the queues it names', async () => {
    await send(other, { id: 'm-2' });
    await holdfast.outcome('m-2', 'completed');
    expect(journalOf('m-2')).toContain('OnlyOther value');
    expect(journalOf('m-2')).not.toContain('Swallowing value');
  });

  it('outside the transaction also for duplicates, inside it only for what takes effect', async () => {
    await send(queue, { id: 'm-3' });
    await holdfast.outcome('m-3', 'completed');
    const before = journalOf('m-3').length;
    await send(queue, { id: 'm-3' });
    await holdfast.outcome('m-3', 'duplicate');
    expect(journalOf('m-3').slice(before)).toEqual([
      'BeforeAll bytes',
      'BeforeDecode bytes',
      'Outside value',
      'Outside after',
      'BeforeDecode after',
      'BeforeAll after',
    ]);
  });

  it('inside the transaction, where its writes commit and roll back with the handler', async () => {
    await send(queue, { id: 'm-4', at: 'Inside', does: 'tx' });
    await holdfast.outcome('m-4', 'completed');
    expect(await world.effects('middleware', 'm-4')).toBe(1);
  });

  it.each(['tx', 'sql', 'publish'])('outside it ctx.%s says that there is no transaction', async (does) => {
    await send(other, { id: `outside-${does}`, at: 'Outside', does });
    await holdfast.outcome(`outside-${does}`, 'dead-letter');
    expect((await takeDeadLetter(world, other)).error).toBe(
      `Error: ctx.${does} is available inside the handler and in middleware with an order above 400 (Orders.onOther)`,
    );
  });

  it.each(['tx', 'sql'])('without idempotency ctx.%s says so', async (does) => {
    await send(off, { id: `off-${does}`, at: 'Inside', does });
    await holdfast.outcome(`off-${does}`, 'dead-letter');
    expect((await takeDeadLetter(world, off)).error).toBe(
      `Error: ctx.${does} needs idempotency 'transactional'; Orders.onOff has 'off'`,
    );
  });

  it.each(['BeforeAll', 'BeforeDecode', 'Outside', 'Inside'])('an error of %s is tried again', async (at) => {
    await send(queue, { id: `fail-${at}`, at, does: 'fail' });
    expect((await holdfast.outcome(`fail-${at}`, 'retry')).outcome).toMatchObject({ reason: 'TypeError' });
    await holdfast.outcome(`fail-${at}`, 'completed');
    expect(await world.effects('orders', `fail-${at}`)).toBe(1);
  });

  it.each(['BeforeAll', 'Outside', 'Inside'])('%s may make it a dead letter', async (at) => {
    await send(queue, { id: `permanent-${at}`, at, does: 'permanent' });
    expect(await takeDeadLetter(world, queue)).toMatchObject({
      reason: 'permanent-error',
      error: 'PermanentError: not for us',
    });
  });

  it.each(['BeforeAll', 'Outside', 'Inside'])('%s may discard it', async (at) => {
    await send(queue, { id: `discard-${at}`, at, does: 'discard' });
    const { outcome, acknowledged } = await holdfast.outcome(`discard-${at}`, 'discard');
    expect({ outcome, acknowledged }).toEqual({
      outcome: { kind: 'discard', reason: 'unwanted tenant' },
      acknowledged: true,
    });
    expect(await world.effects('orders', `discard-${at}`)).toBe(0);
  });

  it.each(['BeforeAll', 'Outside', 'Inside'])('%s that ends without next() parks the message', async (at) => {
    await send(queue, { id: `stop-${at}`, at, does: 'stop' });
    const dead = await takeDeadLetter(world, queue);
    expect(dead.reason).toBe('middleware-stopped');
    expect(dead.error).toMatch(new RegExp(`Rejected: ${at} ended without calling next\\(\\)`));
    expect(await world.effects('orders', `stop-${at}`)).toBe(0);
  });

  it('that swallows a failure does not make it a success', async () => {
    await send(queue, { id: 'swallow', does: 'swallow' });
    await holdfast.outcome('swallow', 'retry');
    expect(await takeDeadLetter(world, queue)).toMatchObject({
      reason: 'attempts-exhausted',
      error: 'RangeError: of the handler',
    });
    expect(await world.effects('orders', 'swallow')).toBe(0);
  });

  it('may translate a failure', async () => {
    await send(queue, { id: 'translate', does: 'translate' });
    expect(await takeDeadLetter(world, queue)).toMatchObject({
      reason: 'permanent-error',
      error: 'PermanentError: translated',
      headers: { 'x-retry-count': 1 },
    });
  });

  it('that does not wait for the handler is waited for all the same', async () => {
    await send(queue, { id: 'hasty', does: 'not awaited' });
    await holdfast.outcome('hasty', 'completed');
    expect(await world.effects('orders', 'hasty')).toBe(1);
  });

  it('that calls the handler twice fails, and the effect of the first call is rolled back', async () => {
    await send(queue, { id: 'twice', does: 'twice' });
    await holdfast.outcome('twice', 'dead-letter');
    const dead = await takeDeadLetter(world, queue);
    expect(dead.error).toMatch(/Swallowing called next\(\) twice/);
    expect(journalOf('twice').filter((what) => what === 'handler')).toHaveLength(2); // one for each try
    expect(await world.effects('orders', 'twice')).toBe(0);
  });
});
