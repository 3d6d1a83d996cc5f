import { eventually } from '../support/eventually';
import { World } from '../support/holdfast';
import { ServiceProcess, type Ended } from '../support/service-process';
import { seededRandom } from '../support/seeded-random';

const MESSAGES = 2_000;
const KILLS = 5;

describe('the consuming process', () => {
  let world: World;
  const alive = new Set<ServiceProcess>();

  const start = async (variables: Record<string, string> = {}): Promise<ServiceProcess> => {
    const service = await ServiceProcess.start('mortal', { ...world.environment, ...variables });
    alive.add(service);
    void service.ended.then(() => alive.delete(service));
    return service;
  };
  /** Every effect by handler: how many, and of how many different messages. */
  const effects = async (handler: string): Promise<{ all: number; different: number }> => {
    const [row] = await world.database.query<{ all: number; different: number }>(
      'select count(*)::int as all, count(distinct transaction_id)::int as different from effect where handler = $1',
      [handler],
    );
    return row!;
  };
  /** The service declares its queues itself; messages must not arrive before. */
  const declared = async (queue: string): Promise<void> => {
    const service = await start();
    await service.line((line) => line.includes('listening'));
    await eventually(() => world.broker.depth(queue));
    expect(await service.terminate()).toEqual({ code: 0, signal: null });
  };

  beforeAll(async () => {
    world = await World.create();
    await declared('load');
  });
  afterAll(async () => {
    for (const service of alive) await service.kill();
    await world.remove();
  });

  it('may be killed at any moment under load: nothing is lost and nothing takes effect twice', async () => {
    const { seed, random } = seededRandom();
    process.stderr.write(`kills are drawn with TEST_SEED=${seed}\n`);
    await Promise.all(
      Array.from({ length: MESSAGES }, (_, i) =>
        world.broker.send('load', `load-${i}`, { id: `load-${i}`, fails: i % 10 === 0 }),
      ),
    );
    for (let kill = 0; kill < KILLS; kill++) {
      const service = await start();
      await service.line((line) => line.startsWith('begun'), { count: 1 + Math.floor(random() * 300) });
      expect(await service.kill()).toEqual({ code: null, signal: 'SIGKILL' });
    }
    const last = await start();
    await eventually(async () => {
      expect(await effects('load')).toEqual({ all: MESSAGES, different: MESSAGES });
    }, 60_000);
    // What is not acknowledged by now is given back, and counted.
    expect(await last.terminate()).toEqual({ code: 0, signal: null });
    expect(await world.broker.depth('load')).toBe(0);
    expect(await world.broker.depth('load.dlq')).toBe(0);
    expect(await effects('load')).toEqual({ all: MESSAGES, different: MESSAGES });
  }, 120_000);

  it('is killed by one message among fifty: that one is parked, and its neighbours are all done', async () => {
    await Promise.all(
      Array.from({ length: 51 }, (_, i) =>
        world.broker.send('poison', `poison-${i}`, { id: `poison-${i}`, kills: i === 25 }),
      ),
    );
    const deaths: Ended[] = [];
    for (;;) {
      const service = await start();
      const dead = service.line((line) => line.includes('delivery-limit')).then(() => undefined);
      const end = await Promise.race([service.ended, dead]);
      dead.catch(() => undefined);
      if (!end) break;
      deaths.push(end);
      expect(deaths.length).toBeLessThan(6);
    }
    expect(deaths).toEqual([1, 2, 3].map(() => ({ code: null, signal: 'SIGKILL' })));
    await eventually(async () => {
      expect(await effects('poison')).toEqual({ all: 50, different: 50 });
    });
    for (const service of alive) await service.terminate();
    const parked = await world.broker.take('poison.dlq');
    expect(parked.properties.messageId).toBe('poison-25');
    expect(parked.properties.headers).toMatchObject({ 'holdfast-reason': 'delivery-limit' });
    expect(await world.broker.depth('poison.dlq')).toBe(0);
    expect(await world.broker.depth('poison')).toBe(0);
  }, 90_000);

  it('finishes at SIGTERM what has begun, gives back the rest, ends with 0 and counts no failure', async () => {
    for (let i = 0; i < 10; i++) await world.broker.send('slow', `slow-${i}`, { id: `slow-${i}`, ms: 1_500 });
    const service = await start();
    await service.line((line) => line.startsWith('begun'), { count: 4 });
    expect(await service.terminate()).toEqual({ code: 0, signal: null });
    expect(await effects('slow')).toEqual({ all: 4, different: 4 });
    expect(await world.broker.depth('slow')).toBe(6);

    const next = await start({ SLOW_MS: '1' });
    await next.line((line) => line.startsWith('begun'), { count: 6 });
    expect(await next.terminate()).toEqual({ code: 0, signal: null });
    const rows = await world.database.query(
      "select distinct detail, failed_attempts, history from effect join holdfast.inbox_message i using (transaction_id) where handler = 'slow'",
    );
    expect(rows).toEqual([{ detail: '1', failed_attempts: 0, history: null }]);
    expect(await effects('slow')).toEqual({ all: 10, different: 10 });
  }, 60_000);

  it('rolls back at the end of the grace what still runs, and the message takes effect once, later', async () => {
    await world.broker.send('slow', 'long', { id: 'long', ms: 120_000 });
    const service = await start({ HOLDFAST_SHUTDOWN_GRACE: '300ms' });
    await service.line((line) => line === 'begun long');
    expect(await service.terminate()).toEqual({ code: 0, signal: null });
    expect(await world.effects('slow', 'long')).toBe(0);

    const next = await start({ SLOW_MS: '1' });
    await next.line((line) => line === 'begun long');
    expect(await next.terminate()).toEqual({ code: 0, signal: null });
    expect(await world.database.query("select detail from effect where transaction_id = 'long'")).toEqual([
      { detail: '1' },
    ]);
    expect(await world.broker.depth('slow.dlq')).toBe(0);
  }, 60_000);
});
