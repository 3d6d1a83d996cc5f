import { ReliableConsumer, type MessageContext } from 'holdfast';
import { eventually } from '../support/eventually';
import { World } from '../support/holdfast';
import { ServiceProcess } from '../support/service-process';

/** Downstream: a consumer like any other, with an inbox. */
class Target {
  readonly arrived: string[] = [];

  @ReliableConsumer({ queue: 'target', concurrency: 1, prefetch: 1 })
  async on(_: unknown, ctx: MessageContext): Promise<void> {
    this.arrived.push(ctx.id);
    await ctx.sql.query('insert into effect values ($1, $2)', ['target', ctx.id]);
  }
}

describe('a process that dies with publications of a committed message', () => {
  let world: World;

  beforeAll(async () => {
    world = await World.create();
    await (
      await world.broker.ready()
    ).assertQueue('target', { durable: true, arguments: { 'x-queue-type': 'quorum' } });
  });
  afterAll(() => world.remove());

  it.each([
    ['committed', 'before it hands them to the broker', false],
    ['confirmed', 'before it deletes the rows of those that the broker has', true],
  ])(
    'at %s, %s, leaves them to another replica: downstream each takes effect once, in order',
    async (point, _where, sent) => {
      const service = await ServiceProcess.start('publishing', { ...world.environment, DIE_AT: point });
      await service.line((line) => line.includes('the consumer of source is running'));
      await world.broker.send('source', point, { count: 3 });
      expect(await service.ended).toEqual({ code: null, signal: 'SIGKILL' });
      const left = await world.database.query('select from holdfast.outbox_message');
      expect(left).toHaveLength(3);
      expect((await world.broker.depth('target')) > 0).toBe(sent);
      // Ten seconds go by.
      await world.database.query('update holdfast.outbox_message set next_try_at = now()');

      const replica = await world.start({ handlers: [Target] });
      const ids = [0, 1, 2].map((i) => `${point}-${i}`);
      for (const id of ids) await replica.outcome(id, 'completed');
      await eventually(async () => {
        expect(await world.database.query('select from holdfast.outbox_message')).toEqual([]);
        expect(await world.broker.depth('target')).toBe(0);
      });
      expect(replica.app.get(Target).arrived).toEqual(ids);
      for (const id of ids) expect(await world.effects('target', id)).toBe(1);
      if (sent) await replica.outcome(ids[0]!, 'duplicate');
      await replica.stop();
    },
    60_000,
  );
});
