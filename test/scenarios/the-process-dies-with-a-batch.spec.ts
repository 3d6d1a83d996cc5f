import { takeDeadLetter } from '../support/dead-letters';
import { eventually } from '../support/eventually';
import { World } from '../support/holdfast';
import { ServiceProcess, type Ended } from '../support/service-process';

const RUNNING = ['slow', 'poison'].map((queue) => `the consumer of ${queue} is running`);

describe('a process that dies with a batch', () => {
  let world: World;
  let alive: ServiceProcess | undefined;

  async function start(environment: Record<string, string> = {}): Promise<ServiceProcess> {
    const service = await ServiceProcess.start('mortal-batches', {
      ...world.environment,
      HOLDFAST_LOG_MESSAGES: 'all',
      ...environment,
    });
    alive = service;
    await Promise.all(RUNNING.map((text) => service.line((line) => line.includes(text))));
    return service;
  }
  const settled = (service: ServiceProcess, count: number): Promise<string> =>
    service.line((line) => line.includes('"outcome":"completed"'), { count });
  const effects = (): Promise<{ transaction_id: string; n: number }[]> =>
    world.database.query(
      'select transaction_id, count(*)::int as n from effect group by transaction_id order by transaction_id',
    );

  beforeEach(async () => {
    world = await World.create();
    // The queues, before anybody consumes them.
    await (await start()).terminate();
  });
  afterEach(async () => {
    await alive?.kill();
    await world.remove();
  });

  it('leaves every message to take effect once, each by itself', async () => {
    const ids = Array.from({ length: 30 }, (_, i) => `slow-${String(i).padStart(2, '0')}`);
    for (const id of ids) await world.broker.send('slow', id, { id });
    const first = await start({ SLOW_MS: '60000' });
    // The rows of both batches are written by then, and nothing is committed.
    await first.line((line) => line.startsWith('begun '), { count: 2 });
    await first.kill();
    expect(await effects()).toEqual([]);

    const second = await start();
    await settled(second, ids.length);
    expect(await effects()).toEqual(ids.map((id) => ({ transaction_id: id, n: 1 })));
    const begun = second.lines.filter((line) => line.startsWith('begun '));
    const sizes = begun.map((line) => line.split(' ').length - 1);
    // The first process had begun with some of them, and the broker says which.
    expect(sizes.filter((size) => size === 1).length).toBeGreaterThanOrEqual(20);
    expect(await world.broker.depth('slow')).toBe(0);
    expect(await second.terminate()).toEqual({ code: 0, signal: null });
  }, 120_000);

  it('is killed by one message among others: that one is parked, and its neighbours are all done', async () => {
    const ids = Array.from({ length: 21 }, (_, i) => `poison-${String(i).padStart(2, '0')}`);
    for (const id of ids) await world.broker.send('poison', id, { id, kills: id === 'poison-07' });
    const deaths: Ended[] = [];
    for (;;) {
      const service = await start();
      const parked = service.line((line) => line.includes('delivery-limit')).then(() => undefined);
      const end = await Promise.race([service.ended, parked]);
      parked.catch(() => undefined);
      if (!end) break;
      deaths.push(end);
      expect(deaths.length).toBeLessThan(6);
    }
    expect(deaths).toEqual([1, 2, 3].map(() => ({ code: null, signal: 'SIGKILL' })));
    const good = ids.filter((id) => id !== 'poison-07');
    await eventually(async () => {
      expect(await effects()).toEqual(good.map((id) => ({ transaction_id: id, n: 1 })));
    });
    const { properties, reason } = await takeDeadLetter(world, 'poison');
    expect([properties.messageId, reason]).toEqual(['poison-07', 'delivery-limit']);
  }, 120_000);
});
