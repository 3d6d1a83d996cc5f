import { ReliableConsumer, type MessageContext } from 'holdfast';
import { Client } from 'pg';
import { migrateUp, readMigrations } from '../../src/database/migrator';
import { aQueue, World, type RunningHoldfast } from '../support/holdfast';

const queue = aQueue('work');

/** As a later version may bring it: it needs the table of the inbox for itself for a moment. */
const NEXT = {
  name: '9999_expand',
  up: 'alter table holdfast.inbox_message add column added_later text',
  down: 'alter table holdfast.inbox_message drop column added_later',
};

class Handlers {
  readonly begun = new Map<string, () => void>();
  readonly held = new Map<string, Promise<void>>();

  @ReliableConsumer({ queue, timeout: '1m' })
  async onWork(_: unknown, ctx: MessageContext): Promise<void> {
    await ctx.sql.query('insert into effect values ($1, $2, $3)', ['work', ctx.id, String(ctx.attempt)]);
    this.begun.get(ctx.id)?.();
    await this.held.get(ctx.id);
  }
}

describe('a deploy that migrates while the last version handles messages', () => {
  let world: World;
  let holdfast: RunningHoldfast;
  let deploy: Client;

  beforeAll(async () => {
    world = await World.create();
    holdfast = await world.start({ handlers: [Handlers] });
    deploy = new Client({ connectionString: world.database.url });
    await deploy.connect();
  });
  afterAll(async () => {
    await deploy.end();
    await world.remove();
  });

  it('does not wait behind a long handler, holds no other up for long, and succeeds when it may; nobody notices', async () => {
    const { begun, held } = holdfast.app.get(Handlers);
    const running = new Promise<void>((resolve) => begun.set('long', resolve));
    let release: () => void = () => undefined;
    held.set('long', new Promise((resolve) => (release = resolve)));
    await world.broker.send(queue, 'long', {});
    await running;

    const migrations = [...(await readMigrations()), NEXT];
    const tried = migrateUp(deploy, migrations);
    const refused = expect(tried).rejects.toMatchObject({ code: '55P03' });
    // Its claim stands behind the migration, which stands behind the long handler.
    await world.broker.send(queue, 'short', {});
    expect(await holdfast.outcome('short', 'completed', 10_000)).toMatchObject({ delivery: { attempt: 1 } });
    await refused;

    release();
    await holdfast.outcome('long', 'completed');
    expect(await migrateUp(deploy, migrations)).toEqual([NEXT.name]);
    await world.broker.send(queue, 'after', {});
    await world.broker.send(queue, 'after', {});
    await holdfast.outcome('after', 'completed');
    await holdfast.outcome('after', 'duplicate');
    expect(holdfast.settled.map(({ outcome }) => outcome.kind).sort()).toEqual([
      'completed',
      'completed',
      'completed',
      'duplicate',
    ]);
    expect(await world.database.query('select distinct detail from effect')).toEqual([{ detail: '1' }]);
  });
});
