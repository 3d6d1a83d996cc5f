import { ReliableConsumer, type MessageContext } from 'holdfast';
import { aQueue, World, type RunningHoldfast } from '../support/holdfast';

const queue = aQueue('readers');

class Readers {
  @ReliableConsumer({ queue, concurrency: 1, retry: { delays: ['100ms'] } })
  async on(_: unknown, ctx: MessageContext): Promise<void> {
    const [row] = await ctx.tx.query<object[]>('select * from thing where id = $1', [1]);
    await ctx.sql.query('insert into effect values ($1, $2, $3)', [
      'readers',
      ctx.id,
      Object.keys(row ?? {}).join(),
    ]);
  }
}

describe('a table changes under a handler', () => {
  let world: World;
  let holdfast: RunningHoldfast;

  async function handle(label: string): Promise<number[]> {
    const attempts: number[] = [];
    // More than it takes until a statement is prepared on a connection.
    for (let n = 0; n < 12; n++) {
      await world.broker.send(queue, `${label}-${n}`, {});
      attempts.push((await holdfast.outcome(`${label}-${n}`, 'completed')).delivery.attempt);
    }
    return attempts;
  }

  beforeAll(async () => {
    world = await World.create();
    await world.database.query('create table thing (id integer)');
    await world.database.query('insert into thing values (1)');
    holdfast = await world.start({ handlers: [Readers], variables: { HOLDFAST_DATABASE_POOL: '2' } });
  });
  afterAll(() => world.remove());

  it('prepares what is sent again and again, and goes on when the result of it has changed, at no attempt', async () => {
    expect(new Set(await handle('before'))).toEqual(new Set([1]));
    await world.database.query('alter table thing add column name text');
    expect(new Set(await handle('after'))).toEqual(new Set([1]));
    const seen = await world.database.query(
      "select distinct detail from effect where transaction_id like 'after-%'",
    );
    expect(seen).toEqual([{ detail: 'id,name' }]);
  });
});
