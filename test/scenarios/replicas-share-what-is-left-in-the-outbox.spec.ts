import fc from 'fast-check';
import { Database } from '../../src/database/database.module';
import { outboxWrite, OutboxStore, OutboxSweep } from '../../src/outbox/outbox.module';
import { eventually } from '../support/eventually';
import { aQueue, World, type RunningHoldfast } from '../support/holdfast';

const out = aQueue('out');
const START = { dueAt: '0', sequence: '0' };

describe('what is left in the outbox', () => {
  let world: World;
  let holdfast: RunningHoldfast;
  let store: OutboxStore;
  let isSweeping = false;
  const run = (sql: string, values?: unknown[]): Promise<unknown> =>
    holdfast.app.get(Database).query(sql, values);
  /** What dead processes have written: messages with so many publications each, due now. */
  const leave = async (counts: readonly number[], body = Buffer.from('x')): Promise<void> => {
    const written = outboxWrite(
      counts.map((count, message) =>
        Array.from({ length: count }, (_, i) => ({
          exchange: '',
          routingKey: out,
          body,
          properties: { messageId: `${message}:${i}` },
          headers: {},
        })),
      ),
    );
    if (written) await run(written.statement.text, written.statement.values as unknown[]);
    await run('update holdfast.outbox_message set next_try_at = now()');
  };
  const depth = async (): Promise<number> =>
    Number((await world.database.query('select count(*)::int as n from holdfast.outbox_message'))[0]?.['n']);
  const take = async (count: number): Promise<string[]> => {
    const ids: string[] = [];
    while (ids.length < count) ids.push(String((await world.broker.take(out)).properties.messageId));
    return ids;
  };

  beforeAll(async () => {
    world = await World.create();
    await (await world.broker.ready()).assertQueue(out, { durable: true });
    const sweep = Reflect.get<OutboxSweep, 'sweep'>(OutboxSweep.prototype, 'sweep');
    jest.spyOn(OutboxSweep.prototype, 'sweep').mockImplementation(function (this: OutboxSweep) {
      return isSweeping ? sweep.call(this) : Promise.resolve(0);
    });
    holdfast = await world.start({ handlers: [] });
    store = holdfast.app.get(OutboxStore);
    await eventually(() => {
      expect(holdfast.app.get(Database).available).toBe(true);
    });
  });
  afterEach(async () => {
    isSweeping = false;
    await run('delete from holdfast.outbox_message');
    await (await world.broker.ready()).purgeQueue(out);
  });
  afterAll(() => world.remove());

  it('is drained by several replicas at once: each publication is sent once, those of one message in order', async () => {
    const counts = Array.from({ length: 4_000 }, (_, i) => [1, 3, 1, 2][i % 4]!);
    const total = counts.reduce((sum, count) => sum + count, 0);
    await leave(counts);
    const replica = await world.start({ handlers: [] });
    isSweeping = true;
    await eventually(async () => {
      expect(await depth()).toBe(0);
    }, 60_000);
    await replica.stop();
    expect(await world.broker.depth(out)).toBe(total);
    const arrived = new Map<string, number>();
    for (const id of await take(total)) {
      const [message = '', place] = id.split(':');
      expect(Number(place)).toBe(arrived.get(message) ?? 0);
      arrived.set(message, Number(place) + 1);
    }
    expect([...arrived.values()].reduce((sum, count) => sum + count, 0)).toBe(total);
  }, 120_000);

  it('is taken by one replica at a time, and of each message always a beginning, whatever fails in between', async () => {
    const step = fc.record({
      rows: fc.integer({ min: 1, max: 4 }),
      bytes: fc.constantFrom(1, 25, 1_000),
      /** How many of each bundle that was taken are confirmed, and whether the next one failed. */
      confirmed: fc.nat(3),
      fails: fc.boolean(),
    });
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: 0, max: 5 }), { minLength: 1, maxLength: 4 }),
        fc.array(fc.tuple(step, step), { maxLength: 8 }),
        async (counts, steps) => {
          await run('delete from holdfast.outbox_message');
          await leave(counts, Buffer.alloc(10));
          const left = counts.map((count) => Array.from({ length: count }, (_, i) => i));
          for (const pair of steps) {
            const claims = await Promise.all(
              pair.map(({ rows, bytes }) => store.claimDue(START, { rows, bytes, leaseMs: 60_000 })),
            );
            const owners = new Set<string>();
            const confirmed: string[] = [];
            const failures: { sequence: string; error: unknown }[] = [];
            for (const [who, claim] of claims.entries()) {
              const { rows, confirmed: many, fails } = pair[who]!;
              const taken = claim?.bundles.flat() ?? [];
              expect(taken.length).toBeLessThanOrEqual(rows);
              for (const bundle of claim?.bundles ?? []) {
                const places = bundle.map(({ publication }) =>
                  String(publication.properties.messageId).split(':').map(Number),
                );
                const message = places[0]![0]!;
                expect(owners.has(String(message))).toBe(false);
                owners.add(String(message));
                expect(places.map(([, place]) => place)).toEqual(left[message]!.slice(0, places.length));
                left[message]!.splice(0, Math.min(many, bundle.length));
                confirmed.push(...bundle.slice(0, many).map(({ sequence }) => sequence));
                const next = bundle[many];
                if (fails && next) failures.push({ sequence: next.sequence, error: 'a\0b' });
              }
            }
            await store.delete(confirmed);
            await store.recordFailures(failures);
            await run('update holdfast.outbox_message set next_try_at = now()');
          }
        },
      ),
      { numRuns: 40 },
    );
  }, 120_000);

  it('that failed waits twice as long each time, up to five minutes, and so does what follows it', async () => {
    await leave([3, 1]);
    const waits: number[] = [];
    for (let failure = 0; failure < 11; failure++) {
      const claimed = await store.claimDue(START, { rows: 100, bytes: 1e6, leaseMs: 60_000 });
      await store.recordFailures([{ sequence: claimed!.bundles[0]![0]!.sequence, error: new Error('full') }]);
      const rows = await world.database.query<{ wait: number; n: number; attempts: number }>(
        `select round(extract(epoch from next_try_at - now()))::int as wait, count(*)::int as n, max(attempts) as attempts
           from holdfast.outbox_message where bundle is not null group by next_try_at`,
      );
      expect(rows).toMatchObject([{ n: 3, attempts: failure + 1 }]);
      waits.push(rows[0]!.wait);
      await run('update holdfast.outbox_message set next_try_at = now() where bundle is not null');
    }
    expect(waits.slice(0, 5)).toEqual([1, 2, 4, 8, 16]);
    expect(waits.slice(-2)).toEqual([300, 300]);
    const [other] = await world.database.query(
      'select attempts, last_error from holdfast.outbox_message where bundle is null',
    );
    expect(other).toEqual({ attempts: 0, last_error: null });
  });

  it('is taken in pages that end at so many bytes', async () => {
    await leave(new Array<number>(10).fill(1), Buffer.alloc(1_000));
    const page = { rows: 100, leaseMs: 60_000 };
    const taken = async (bytes: number): Promise<number | undefined> =>
      (await store.claimDue(START, { ...page, bytes }))?.bundles.length;
    expect(await taken(3_500)).toBe(3);
    expect(await taken(1)).toBe(1);
    expect(await taken(1e6)).toBe(6);
    expect(await taken(1e6)).toBeUndefined();
  });

  it('shows how old it is', async () => {
    expect(await store.oldest()).toBeUndefined();
    await leave([1, 2]);
    await run(
      "update holdfast.outbox_message set created_at = 'epoch'::timestamptz + sequence * interval '1 second'",
    );
    const [first] = await world.database.query('select min(sequence)::int as n from holdfast.outbox_message');
    expect(await store.oldest()).toBe(first?.['n']);
  });
});
