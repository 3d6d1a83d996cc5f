import { eventually } from '../support/eventually';
import { World } from '../support/holdfast';
import { ServiceProcess, type Ended } from '../support/service-process';

const LEASE = { HOLDFAST_LEASE: '2s', HOLDFAST_HEARTBEAT: '1s' };

describe('a process that holds leases', () => {
  let world: World;
  const alive = new Set<ServiceProcess>();

  const start = async (variables: Record<string, string> = {}): Promise<ServiceProcess> => {
    const service = await ServiceProcess.start('lessee', {
      ...world.environment,
      ...LEASE,
      OUTSIDE_URL: world.database.url,
      ...variables,
    });
    alive.add(service);
    void service.ended.then(() => alive.delete(service));
    return service;
  };
  const outside = (id: string): Promise<{ token: number; writes: number }[]> =>
    world.database.query('select token, writes from outside where id = $1', [id]);
  const rowOf = (id: string): Promise<{ state: string; version: number; failed_attempts: number }[]> =>
    world.database.query(
      'select state, version, failed_attempts from holdfast.inbox_message where transaction_id = $1',
      [id],
    );

  beforeAll(async () => {
    world = await World.create();
    await world.database.query(
      'create table outside (id text primary key, token integer not null, writes integer not null default 1)',
    );
    // The service declares its queues itself; messages must not arrive before.
    const service = await start();
    await service.line((line) => line.includes('listening'));
    await eventually(() => world.broker.depth('poison'));
    await service.terminate();
  });
  afterAll(async () => {
    for (const service of alive) await service.kill();
    await world.remove();
  });

  it('dies in mid-handler: another one waits for the end of its lease, and takes the message over', async () => {
    await world.broker.send('mails', 'orphan', { id: 'orphan', ms: 60_000 });
    const first = await start();
    await first.line((line) => line === 'begun orphan 1');
    await first.kill();
    const second = await start({ MAIL_MS: '1' });
    await second.line((line) => line === 'wrote orphan 2');
    await eventually(async () => {
      expect(await rowOf('orphan')).toEqual([{ state: 'completed', version: 2, failed_attempts: 0 }]);
    });
    expect(await outside('orphan')).toEqual([{ token: 2, writes: 1 }]);
    expect(await world.database.query('select 1 from holdfast.suspect_delivery')).toEqual([]);
    expect(await second.terminate()).toEqual({ code: 0, signal: null });
    expect(await world.broker.depth('mails')).toBe(0);
  }, 60_000);

  it('stands still for longer than its lease: it is told that it has lost, and what it does late counts for nothing', async () => {
    await world.broker.send('mails', 'frozen', { id: 'frozen', ms: 3_000 });
    const first = await start();
    await first.line((line) => line === 'begun frozen 1');
    first.freeze();
    const second = await start({ MAIL_MS: '1' });
    await second.line((line) => line === 'wrote frozen 2');
    await eventually(async () => {
      expect(await rowOf('frozen')).toEqual([{ state: 'completed', version: 2, failed_attempts: 0 }]);
    });
    first.thaw();
    await Promise.all([
      first.line((line) => line === 'aborted frozen LeaseLostError'),
      first.line((line) => line === 'fenced frozen 1'),
    ]);
    expect(await rowOf('frozen')).toEqual([{ state: 'completed', version: 2, failed_attempts: 0 }]);
    expect(await outside('frozen')).toEqual([{ token: 2, writes: 1 }]);
    for (const service of [...alive]) await service.terminate();
    expect(await world.broker.depth('mails')).toBe(0);
    expect(await world.broker.depth('mails.dlq')).toBe(0);
  }, 90_000);

  it('is killed again and again by one message among eleven: that one is parked, its neighbours are all done', async () => {
    await Promise.all(
      Array.from({ length: 11 }, (_, i) =>
        world.broker.send('poison', `poison-${i}`, { id: `poison-${i}`, kills: i === 5 }),
      ),
    );
    const deaths: Ended[] = [];
    for (;;) {
      const service = await start({ HOLDFAST_LEASE: '1s' });
      const parked = service.line((line) => line.includes('delivery-limit')).then(() => undefined);
      const end = await Promise.race([service.ended, parked]);
      parked.catch(() => undefined);
      if (!end) break;
      deaths.push(end);
      expect(deaths.length).toBeLessThan(6);
    }
    expect(deaths).toEqual([1, 2, 3].map(() => ({ code: null, signal: 'SIGKILL' })));
    await eventually(async () => {
      const rows = await world.database.query(
        "select state, count(*)::int as n from holdfast.inbox_message where consumer = 'poison' group by 1 order by 1",
      );
      // The crash guard parks it before anything of it is decoded, so its row keeps the lease that ran out.
      expect(rows).toEqual([
        { state: 'completed', n: 10 },
        { state: 'running', n: 1 },
      ]);
    }, 30_000);
    for (const service of [...alive]) await service.terminate();
    const dead = await world.broker.take('poison.dlq');
    expect(dead.properties.messageId).toBe('poison-5');
    expect(dead.properties.headers).toMatchObject({ 'holdfast-reason': 'delivery-limit' });
    expect(await world.broker.depth('poison')).toBe(0);
  }, 120_000);
});
