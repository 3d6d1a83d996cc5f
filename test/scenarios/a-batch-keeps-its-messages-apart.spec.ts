import { Injectable } from '@nestjs/common';
import { Client } from 'pg';
import {
  MessageMiddleware,
  PermanentError,
  ReliableBatchConsumer,
  type BatchContext,
  type BatchResult,
  type MiddlewareContext,
  type MiddlewareHandler,
  type Next,
} from 'holdfast';
import { eventually } from '../support/eventually';
import { aQueue, World, type RunningHoldfast, type Settled } from '../support/holdfast';

const queue = aQueue('batches');

interface Order {
  does?: 'refuse' | 'write' | 'late' | 'own' | 'off';
}

const INSERT = 'insert into effect (handler, transaction_id) select $1, unnest($2::text[])';

class Journals {}

/** What ran around each message. */
@Injectable()
class Journal {
  readonly entries: string[] = [];

  of(id: string): string[] {
    return this.entries
      .filter((entry) => entry.startsWith(`${id} `))
      .map((entry) => entry.split(' ')[1] ?? '');
  }
}

@MessageMiddleware({ order: 350 })
class Outside implements MiddlewareHandler {
  constructor(private readonly journal: Journal) {}

  async use(ctx: MiddlewareContext, next: Next): Promise<void> {
    this.journal.entries.push(`${ctx.id} outside`);
    if ((ctx.payload as Order).does === 'off') throw new PermanentError('stopped outside');
    await next();
  }
}

@MessageMiddleware({ order: 500 })
class Inside implements MiddlewareHandler {
  constructor(private readonly journal: Journal) {}

  async use(ctx: MiddlewareContext, next: Next): Promise<void> {
    const { does } = ctx.payload as Order;
    this.journal.entries.push(`${ctx.id} in`);
    if (does === 'write') await ctx.sql.query(INSERT, ['middleware', [ctx.id]]);
    if (does === 'refuse' || does === 'write') throw new PermanentError('stopped inside');
    await next();
    this.journal.entries.push(`${ctx.id} out`);
    if (does === 'late') throw new PermanentError('too late');
  }
}

class Handlers {
  readonly calls: string[][] = [];

  @ReliableBatchConsumer({ queue, batchSize: 40, retry: { delays: ['100ms'] } })
  async on(orders: Order[], ctx: BatchContext): Promise<BatchResult> {
    const ids = ctx.messages.map(({ id }) => id);
    this.calls.push(ids);
    await ctx.sql.query(INSERT, ['batch', ids.filter((_, i) => orders[i]?.does !== 'own')]);
    return orders.map(({ does }) => (does === 'own' ? new PermanentError('its own') : undefined));
  }
}

describe('a batch keeps its messages apart', () => {
  let world: World;
  let holdfast: RunningHoldfast;
  const replicas: RunningHoldfast[] = [];
  const ofAll = (): Handlers[] => replicas.map(({ app }) => app.get(Handlers));
  const journal = (): Journal => holdfast.app.get(Journal);
  const idsOf = (label: string, count: number): string[] =>
    Array.from({ length: count }, (_, i) => `${label}-${i}`);
  const callsWith = (id: string): string[][] =>
    ofAll().flatMap(({ calls }) => calls.filter((ids) => ids.includes(id)));

  /** On whichever replica it is. */
  const outcome = (id: string, kind: Settled['outcome']['kind']): Promise<Settled> =>
    eventually(() => {
      const found = replicas
        .flatMap(({ settled }) => settled)
        .find((one) => one.transactionId === id && one.outcome.kind === kind);
      if (!found) throw new Error(`${id} has not been settled as ${kind}`);
      return found;
    }, 30_000);
  const completed = (ids: readonly string[]): Promise<Settled[]> =>
    Promise.all(ids.map((id) => outcome(id, 'completed')));

  async function start(): Promise<RunningHoldfast> {
    const journals = { module: Journals, providers: [Journal], exports: [Journal] };
    const one = await world.start({
      handlers: [Handlers, Outside, Inside],
      imports: [journals],
      variables: { HOLDFAST_LOCK_TIMEOUT: '1s' },
    });
    replicas.push(one);
    return one;
  }

  async function deliverAtOnce(ids: readonly string[], doing: (id: string) => Order): Promise<void> {
    await holdfast.consumers.pause(queue, { by: 'the test' });
    for (const id of ids) await world.broker.send(queue, id, doing(id));
    await holdfast.consumers.resume(queue, { by: 'the test' });
  }

  beforeAll(async () => {
    world = await World.create();
    holdfast = await start();
  });
  afterAll(() => world.remove());

  it('runs middleware around each message, and the handler once when all are there', async () => {
    const ids = idsOf('around', 10);
    await deliverAtOnce(ids, () => ({}));
    await completed(ids);
    const [call] = callsWith('around-9');
    for (const id of ids) expect(journal().of(id)).toEqual(['outside', 'in', 'out']);
    const entries = journal().entries.filter((entry) => call?.some((id) => entry.startsWith(`${id} `)));
    const firstOut = entries.findIndex((entry) => entry.endsWith(' out'));
    expect(entries.slice(0, firstOut).filter((entry) => entry.endsWith(' in'))).toHaveLength(
      call?.length ?? 0,
    );
  });

  it.each<[string, NonNullable<Order['does']>, number]>([
    ['outside the transaction', 'off', 0],
    ['inside, before the handler', 'refuse', 0],
    ['inside, after it has written', 'write', 0],
    ['inside, after the handler', 'late', 1],
    ['in the handler', 'own', 1],
  ])('takes out the message that fails %s, and completes the others', async (_, does, isSeen) => {
    const ids = idsOf(does, 10);
    const bad = `${does}-4`;
    await deliverAtOnce(ids, (id) => (id === bad ? { does } : {}));
    await completed(ids.filter((id) => id !== bad));
    expect((await outcome(bad, 'dead-letter')).outcome).toMatchObject({ reason: 'permanent-error' });
    expect(Math.min(1, callsWith(bad).length)).toBe(isSeen);
    for (const id of ids) expect(await world.effects('batch', id)).toBe(id === bad ? 0 : 1);
    expect(await world.effects('middleware')).toBe(0);
  });

  it('runs what was delivered before in a batch of its own', async () => {
    const ids = idsOf('suspect', 12);
    await holdfast.consumers.pause(queue, { by: 'the test' });
    for (const id of ids) await world.broker.send(queue, id, {});
    // Somebody takes them, and is gone.
    const channel = await world.broker.ready();
    for (const _ of ids) await channel.get(queue, { noAck: false });
    await channel.recover();
    await holdfast.consumers.resume(queue, { by: 'the test' });
    const settled = await completed(ids);
    expect(settled.map(({ delivery }) => delivery.redelivered)).toEqual(ids.map(() => true));
    for (const id of ids) expect(callsWith(id)).toEqual([[id]]);
    expect(await world.database.query('select * from holdfast.suspect_delivery')).toEqual([]);
  });

  it('lets twins on two replicas take effect once', async () => {
    await start();
    const ids = idsOf('twin', 60);
    await holdfast.consumers.pause(queue, { by: 'the test' });
    for (const id of [...ids, ...ids]) await world.broker.send(queue, id, {});
    await holdfast.consumers.resume(queue, { by: 'the test' });
    await completed(ids);
    await Promise.all(ids.map((id) => outcome(id, 'duplicate')));
    for (const id of ids) expect(await world.effects('batch', id)).toBe(1);
    expect(ofAll().every(({ calls }) => calls.length > 0)).toBe(true);
  });

  it('defers a message whose twin takes long elsewhere, and completes its neighbours', async () => {
    const ids = idsOf('held', 6);
    // Somebody else's transaction has claimed it.
    const other = new Client({ connectionString: world.database.url });
    await other.connect();
    await other.query('begin');
    await other.query(
      "insert into holdfast.inbox_message (consumer, transaction_id, state, body_hash) values ($1, 'held-2', 'completed', '')",
      [queue],
    );
    await deliverAtOnce(ids, () => ({}));
    await completed(ids.filter((id) => id !== 'held-2'));
    expect((await outcome('held-2', 'defer')).outcome).toMatchObject({ reason: 'twin-running' });
    await other.query('rollback');
    await other.end();
    await completed(['held-2']);
    for (const id of ids) expect(await world.effects('batch', id)).toBe(1);
  });
});
