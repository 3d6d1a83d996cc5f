import { ReliableConsumer, type MessageContext } from 'holdfast';
import { aQueue, World, type RunningHoldfast } from '../support/holdfast';

const queue = aQueue('neighbours');
const out = aQueue('out');
const MESSAGES = 120;

type Kind = 'good' | 'throws' | 'swallows' | 'fails-at-commit' | 'forgets';
const KINDS: readonly Kind[] = [
  'good',
  'throws',
  'good',
  'swallows',
  'good',
  'fails-at-commit',
  'good',
  'forgets',
];

class Neighbours {
  @ReliableConsumer({ queue, concurrency: 30, prefetch: 60, retry: false })
  async on({ kind }: { kind: Kind }, ctx: MessageContext): Promise<void> {
    await ctx.tx.query('insert into effect values ($1, $2)', [kind, ctx.id]);
    await ctx.publish('', out, {}, { messageId: ctx.id });
    if (kind === 'throws') throw new Error('a mistake of the handler');
    if (kind === 'swallows') await ctx.tx.query('select 1 / 0').catch(() => undefined);
    if (kind === 'fails-at-commit') await ctx.tx.query("insert into once values ('taken')");
    if (kind === 'forgets') {
      const { tx } = ctx;
      const late = (): Promise<unknown> => tx.query("insert into effect values ('late', $1)", [ctx.id]);
      // Too late for its own transaction; it must not come to be in that of the next message.
      setTimeout(() => void late().catch(() => undefined), 5);
    }
  }
}

describe('messages whose transactions take turns on two connections', () => {
  let world: World;
  let holdfast: RunningHoldfast;

  beforeAll(async () => {
    world = await World.create();
    await (await world.broker.ready()).assertQueue(out, { durable: true });
    await world.database.query('create table once (name text unique deferrable initially deferred)');
    await world.database.query("insert into once values ('taken')");
    holdfast = await world.start({ handlers: [Neighbours], variables: { HOLDFAST_DATABASE_POOL: '2' } });
  });
  afterAll(() => world.remove());

  it('keep every effect of their own and none of another, whatever becomes of the one before', async () => {
    const kinds = Array.from({ length: MESSAGES }, (_, i) => KINDS[i % KINDS.length]!);
    await Promise.all(kinds.map((kind, i) => world.broker.send(queue, `n-${i}`, { kind })));
    const fails = (kind: Kind): boolean => kind !== 'good' && kind !== 'forgets';
    await Promise.all(
      kinds.map((kind, i) => holdfast.outcome(`n-${i}`, fails(kind) ? 'dead-letter' : 'completed')),
    );
    const rows = await world.database.query<{ handler: string; transaction_id: string }>(
      'select handler, transaction_id from effect order by transaction_id',
    );
    const expected = kinds
      .map((kind, i) => ({ handler: kind, transaction_id: `n-${i}` }))
      .filter((_, i) => !fails(kinds[i]!))
      .sort((a, b) => (a.transaction_id < b.transaction_id ? -1 : 1));
    expect(rows.sort((a, b) => (a.transaction_id < b.transaction_id ? -1 : 1))).toEqual(expected);
    // And so with what they published, which travels with the COMMIT.
    const published: string[] = [];
    while (published.length < expected.length)
      published.push(String((await world.broker.take(out)).properties.messageId));
    expect(published.sort()).toEqual(expected.map(({ transaction_id: id }) => id).sort());
    expect(await world.broker.depth(out)).toBe(0);
  });
});
