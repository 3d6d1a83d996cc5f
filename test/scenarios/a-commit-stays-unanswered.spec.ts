import { ReliableConsumer, type MessageContext } from 'holdfast';
import { aQueue, World, type RunningHoldfast } from '../support/holdfast';
import { TcpProxy } from '../support/tcp-proxy';

const queue = aQueue('payments');
const COMMIT = Buffer.from('commit\0');

class Payments {
  @ReliableConsumer({ queue, concurrency: 1 })
  async onPayment(_payment: unknown, ctx: MessageContext): Promise<void> {
    await ctx.sql.query('insert into effect values ($1, $2, $3)', ['payment', ctx.id, String(ctx.attempt)]);
  }
}

describe('a COMMIT', () => {
  let world: World;
  let proxy: TcpProxy;
  let holdfast: RunningHoldfast;

  /** What becomes of the next COMMIT of a handler; resolves once it has happened. */
  const onNextCommit = (answer: 'lost' | 'never sent' | 'swallowed'): Promise<void> =>
    new Promise((resolve) => {
      let committing: number | undefined;
      proxy.judge = (chunk, from, link) => {
        if (from === 'client' && committing === undefined && chunk.includes(COMMIT)) {
          committing = link.number;
          if (answer !== 'never sent') return 'forward';
        } else if (from === 'client' || link.number !== committing) return 'forward';
        resolve();
        if (answer === 'swallowed') return 'drop';
        proxy.judge = () => 'forward';
        return 'cut';
      };
    });

  beforeAll(async () => {
    world = await World.create();
    proxy = await TcpProxy.to(world.database.url);
    holdfast = await world.start({
      handlers: [Payments],
      variables: { DATABASE_URL: proxy.url, HOLDFAST_DATABASE_TIMEOUT: '1s' },
    });
  });
  afterAll(async () => {
    await world.remove();
    await proxy.close();
  });

  it('whose answer is cut off has committed: the message is looked up, and acknowledged as done', async () => {
    const cut = onNextCommit('lost');
    await world.broker.send(queue, 'p-1', {});
    await cut;
    expect(await holdfast.outcome('p-1', 'duplicate')).toMatchObject({ acknowledged: true });
    expect(await world.effects('payment', 'p-1')).toBe(1);
  });

  it('that is cut off before it arrives has not: the message is handled again, without an attempt', async () => {
    const cut = onNextCommit('never sent');
    await world.broker.send(queue, 'p-2', {});
    await cut;
    expect(await holdfast.outcome('p-2', 'completed')).toMatchObject({ acknowledged: true });
    const rows = await world.database.query("select detail from effect where transaction_id = 'p-2'");
    expect(rows).toEqual([{ detail: '1' }]);
  });

  it('whose answer never comes on a connection that stays open does not hold the consumer up for ever', async () => {
    const swallowed = onNextCommit('swallowed');
    await world.broker.send(queue, 'p-3', {});
    await swallowed;
    expect(await holdfast.outcome('p-3', 'duplicate')).toMatchObject({ acknowledged: true });
    expect(await world.effects('payment', 'p-3')).toBe(1);
  });
});
