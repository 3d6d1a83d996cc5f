import { eventually } from '../support/eventually';
import { World } from '../support/holdfast';
import { ServiceProcess, type Ended } from '../support/service-process';

const MESSAGES = 30;
const GREEDY = 'meal-15';

describe('a process that runs out of memory', () => {
  let world: World;
  let alive: ServiceProcess | undefined;
  const start = async (): Promise<ServiceProcess> =>
    (alive = await ServiceProcess.start('greedy', {
      ...world.environment,
      NODE_OPTIONS: '--max-old-space-size=192',
    }));

  beforeAll(async () => {
    world = await World.create();
  });
  afterAll(async () => {
    await alive?.kill();
    await world.remove();
  });

  it('over one message is started again until that one is parked; its neighbours are done once', async () => {
    const first = await start();
    await eventually(() => world.broker.depth('meals'));
    await first.terminate();
    await Promise.all(
      Array.from({ length: MESSAGES }, (_, i) =>
        world.broker.send('meals', `meal-${i}`, { hoards: `meal-${i}` === GREEDY }),
      ),
    );
    const deaths: Ended[] = [];
    for (;;) {
      const service = await start();
      const parked = service.line((line) => line.includes('delivery-limit')).then(() => undefined);
      parked.catch(() => undefined);
      const end = await Promise.race([service.ended, parked]);
      if (!end) break;
      deaths.push(end);
      expect(service.lines.join('\n')).toContain('heap out of memory');
      expect(deaths.length).toBeLessThan(6);
    }
    expect(deaths).toEqual([1, 2, 3].map(() => ({ code: null, signal: 'SIGABRT' })));
    await eventually(async () => {
      const rows = await world.database.query(
        'select count(*)::int as n, count(distinct transaction_id)::int as messages, max(detail) as attempt from effect',
      );
      expect(rows).toEqual([{ n: MESSAGES - 1, messages: MESSAGES - 1, attempt: '1' }]);
    });
    const dead = await world.broker.take('meals.dlq');
    expect(dead.properties).toMatchObject({
      messageId: GREEDY,
      headers: { 'holdfast-reason': 'delivery-limit' },
    });
    expect(await world.broker.depth('meals.dlq')).toBe(0);
  }, 120_000);
});
