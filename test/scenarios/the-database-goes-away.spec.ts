import { ReliableConsumer, type MessageContext } from 'holdfast';
import { eventually } from '../support/eventually';
import { extraServer, type ExtraServer } from '../support/extra-server';
import { aQueue, World, type RunningHoldfast } from '../support/holdfast';

const queue = aQueue('work');

class Handlers {
  tries = 0;

  @ReliableConsumer({ queue, retry: { delays: ['100ms'] } })
  async onWork(_message: unknown, ctx: MessageContext): Promise<void> {
    this.tries++;
    await ctx.tx.query('insert into effect values ($1, $2, $3)', ['work', ctx.id, String(ctx.attempt)]);
  }
}

describe('while the database is away', () => {
  let server: ExtraServer;
  let world: World;
  let holdfast: RunningHoldfast;
  let received = 0;
  const tries = (): number => holdfast.app.get(Handlers).tries;
  const send = (from: number, to: number): Promise<unknown> =>
    Promise.all(
      Array.from({ length: to - from }, (_, i) => world.broker.send(queue, `m-${from + i}`, { n: from + i })),
    );
  const everyEffectOnce = (from: number, to: number): Promise<void> =>
    eventually(async () => {
      const rows = await world.database.query(
        `select count(*)::int as n, count(distinct transaction_id)::int as messages, min(detail) as first, max(detail) as last
           from effect where substr(transaction_id, 3)::int between $1 and $2`,
        [from, to - 1],
      );
      expect(rows).toEqual([{ n: to - from, messages: to - from, first: '1', last: '1' }]);
    }, 40_000);
  const noAttemptIsSpent = async (): Promise<void> => {
    expect(
      holdfast.settled.filter(({ outcome }) => outcome.kind === 'retry' || outcome.kind === 'dead-letter'),
    ).toEqual([]);
    expect(await world.broker.depth(`${queue}.dlq`)).toBe(0);
    const rows = await world.database.query(
      'select 1 from holdfast.inbox_message where failed_attempts > 0 or history is not null',
    );
    expect(rows).toEqual([]);
  };

  beforeAll(async () => {
    server = await extraServer('postgres');
    world = await World.create({ databaseUrl: server.url });
  }, 60_000);
  afterAll(async () => {
    await world.remove();
    await server.remove();
  });

  it('the process starts and lives, says what it waits for, and consumes by itself when the database comes', async () => {
    await server.stop();
    holdfast = await world.start({ handlers: [Handlers], wait: false });
    holdfast.events.on('message.received', () => received++);
    await eventually(() => {
      expect(holdfast.consumers.get(queue)).toMatchObject({
        state: 'starting',
        reason: expect.stringContaining('database'),
      });
    });
    await server.start();
    await holdfast.attached();
    await send(0, 20);
    await everyEffectOnce(0, 20);
  });

  it('nothing is tried, nothing loops and no attempt is spent; afterwards everything is done once', async () => {
    const changes: string[] = [];
    const off = holdfast.events.on('dependency.changed', ({ dependency, available }) =>
      changes.push(`${dependency} ${available ? 'back' : 'away'}`),
    );
    await send(100, 700);
    await holdfast.events.next('message.settled', ({ transactionId }) => transactionId === 'm-200');
    const before = received;
    const away = holdfast.events.next('consumer.changed', ({ state }) => state === 'waiting');
    await server.stop();
    await away;
    const atOutage = { tries: tries(), received };
    // Counted in the moment it is back: from then on what waited is handled.
    let duringOutage: typeof atOutage | undefined;
    const offBack = holdfast.events.on('dependency.changed', ({ dependency, available }) => {
      if (dependency === 'database' && available)
        duringOutage ??= { tries: tries() - atOutage.tries, received: received - atOutage.received };
    });
    // While it is away more messages come, and the outage lasts as long as it takes to start a server.
    await send(700, 720);
    await server.start();
    await holdfast.attached();
    await everyEffectOnce(100, 720);
    off();
    offBack();

    // At most what was being handled when it went.
    expect(duringOutage?.tries).toBeLessThanOrEqual(10);
    expect(duringOutage?.received).toBeLessThanOrEqual(10);
    // Each message once, and some again for which the answer to COMMIT was lost.
    expect(received - before).toBeLessThan(640);
    expect(changes[0]).toBe('database away');
    expect(changes.at(-1)).toBe('database back');
    expect(changes.length).toBeLessThanOrEqual(4);
    await noAttemptIsSpent();
  });

  it('a killed server is no different', async () => {
    await send(1_000, 1_300);
    await holdfast.events.next('message.settled', ({ transactionId }) => transactionId === 'm-1050');
    await server.kill();
    await server.start();
    await holdfast.attached();
    await everyEffectOnce(1_000, 1_300);
    await noAttemptIsSpent();
  });

  it('a message whose connection is ended by an administrator is done once, without an attempt', async () => {
    await send(2_000, 2_300);
    await holdfast.events.next('message.settled', ({ transactionId }) => transactionId === 'm-2050');
    const [row] = await world.database.query<{ ended: number }>(
      `select count(pg_terminate_backend(pid))::int as ended from pg_stat_activity
        where application_name = 'holdfast' and pid <> pg_backend_pid()`,
    );
    expect(row!.ended).toBeGreaterThan(0);
    await everyEffectOnce(2_000, 2_300);
    await noAttemptIsSpent();
  });
});
