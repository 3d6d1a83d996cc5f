import { ReliableConsumer, type MessageContext } from 'holdfast';
import { aQueue, World, type RunningHoldfast } from '../support/holdfast';
import { TcpProxy } from '../support/tcp-proxy';

const queue = aQueue('payments');
const ROLLBACK = Buffer.from('rollback\0');

class Payments {
  @ReliableConsumer({ queue, concurrency: 1, retry: { delays: ['100ms'] } })
  async onPayment(_payment: unknown, ctx: MessageContext): Promise<void> {
    await ctx.sql.query('insert into effect values ($1, $2, $3)', ['payment', ctx.id, String(ctx.attempt)]);
    if (ctx.attempt === 1) throw new Error('declined once');
  }
}

describe('a ROLLBACK whose answer never comes', () => {
  let world: World;
  let proxy: TcpProxy;
  let holdfast: RunningHoldfast;

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

  it('gives up its connection, not its message', async () => {
    let silent: number | undefined;
    proxy.judge = (chunk, from, link) => {
      if (from === 'client' && silent === undefined && chunk.includes(ROLLBACK)) silent = link.number;
      return link.number === silent ? 'drop' : 'forward';
    };
    await world.broker.send(queue, 'r-1', {});
    await holdfast.outcome('r-1', 'retry');
    await holdfast.outcome('r-1', 'completed');
    expect(silent).toBeDefined();
    const rows = await world.database.query("select detail from effect where transaction_id = 'r-1'");
    expect(rows).toEqual([{ detail: '2' }]);
  });
});
