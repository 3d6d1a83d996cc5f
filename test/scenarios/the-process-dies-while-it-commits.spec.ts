import { World } from '../support/holdfast';
import { ServiceProcess } from '../support/service-process';
import { TcpProxy } from '../support/tcp-proxy';

const COMMIT = Buffer.from('commit\0');

describe('a process that dies while it commits', () => {
  let world: World;
  let proxy: TcpProxy;
  let alive: ServiceProcess | undefined;
  const start = async (): Promise<ServiceProcess> => {
    alive = await ServiceProcess.start('mortal', {
      ...world.environment,
      DATABASE_URL: proxy.url,
      HOLDFAST_LOG_MESSAGES: 'all',
    });
    // By then it has migrated: no other COMMIT comes first.
    await alive.line((line) => line.includes('the consumer of slow is running'));
    return alive;
  };
  /** Resolves when the handler's COMMIT is on its way; it arrives or it does not, and nothing is answered. */
  const onCommit = (arrives: boolean): Promise<void> =>
    new Promise((resolve) => {
      let committing: number | undefined;
      proxy.judge = (chunk, from, link) => {
        if (from === 'server') return link.number === committing ? 'drop' : 'forward';
        if (committing !== undefined || !chunk.includes(COMMIT)) return 'forward';
        committing = link.number;
        resolve();
        return arrives ? 'forward' : 'drop';
      };
    });
  const settledAs = (service: ServiceProcess, id: string, outcome: string): Promise<string> =>
    service.line((line) => line.includes(`"${id}"`) && line.includes(`"outcome":"${outcome}"`));

  beforeAll(async () => {
    world = await World.create();
    proxy = await TcpProxy.to(world.database.url);
  });
  afterEach(async () => {
    await alive?.kill();
  });
  afterAll(async () => {
    await world.remove();
    await proxy.close();
  });

  it.each([
    ['has arrived', true, 'duplicate'],
    ['has not arrived', false, 'completed'],
  ])(
    'whose COMMIT %s leaves a message that takes effect once, at its first attempt',
    async (what, arrives, outcome) => {
      const first = await start();
      const committing = onCommit(arrives);
      await world.broker.send('slow', what, { id: what, ms: 1 });
      await committing;
      // Another one comes and goes: time enough to acknowledge too early.
      await world.broker.send('slow', `after ${what}`, { id: `after ${what}`, ms: 1 });
      await settledAs(first, `after ${what}`, 'completed');
      expect(await first.kill()).toEqual({ code: null, signal: 'SIGKILL' });
      proxy.judge = () => 'forward';

      const second = await start();
      await settledAs(second, what, outcome);
      const handled = second.lines.filter((line) => line === `begun ${what}`);
      expect(handled).toHaveLength(arrives ? 0 : 1);
      expect(
        await world.database.query('select detail from effect where transaction_id = $1', [what]),
      ).toEqual([{ detail: '1' }]);
      expect(await second.terminate()).toEqual({ code: 0, signal: null });
      expect(await world.broker.depth('slow')).toBe(0);
    },
    120_000,
  );
});
