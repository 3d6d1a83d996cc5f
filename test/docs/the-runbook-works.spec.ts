import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { ReliableConsumer, signMessage, type MessageContext } from 'holdfast';
import { aQueue, World, type RunningHoldfast } from '../support/holdfast';
import { blocks, root } from './pages';

const queue = aQueue('orders');
const secret = 'a secret of sixteen bytes';

class Orders {
  isBroken = true;

  @ReliableConsumer({
    queue,
    retry: false,
    authenticate: { hmac: { secrets: secret, tolerance: '2s' } },
  })
  async onOrder(order: { id: string }, ctx: MessageContext): Promise<void> {
    await ctx.tx.query('insert into effect values ($1, $2, $3)', ['orders', ctx.id, order.id]);
    if (this.isBroken) throw new Error('the downstream is away');
  }
}

/** The script of the runbook, as an operator would run it. */
async function putBack(rabbitmqUrl: string, ...args: string[]): Promise<string> {
  const [script = ''] = blocks(readFileSync(join(root, 'docs/operations.md'), 'utf8'), 'js');
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-put-back-'));
  try {
    const path = join(folder, 'put-back.cjs');
    writeFileSync(path, script);
    const env = { ...process.env, RABBITMQ_URL: rabbitmqUrl, NODE_PATH: join(root, 'node_modules') };
    const { stdout } = await promisify(execFile)(process.execPath, [path, ...args], { env });
    return stdout;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

describe('the script that puts dead letters back', () => {
  let world: World;
  let holdfast: RunningHoldfast;

  beforeAll(async () => {
    world = await World.create();
    holdfast = await world.start({ handlers: [Orders] });
  });
  afterAll(() => world.remove());

  it('makes the handler run once more, long after the signature was made', async () => {
    const body = Buffer.from('{"id":"o-1"}');
    const headers = signMessage(body, { secret, messageId: 'o-1' });
    await world.broker.send(queue, 'o-1', body, { headers });
    await holdfast.outcome('o-1', 'dead-letter');
    expect(await world.effects('orders')).toBe(0);
    holdfast.app.get(Orders).isBroken = false;
    await sleep(3_000);

    expect(await putBack(world.vhost.url, `${queue}.dlq`, queue, '5')).toBe('put back: o-1\n');

    const { delivery } = await holdfast.outcome('o-1', 'completed');
    expect(delivery.attempt).toBe(2);
    expect(await world.effects('orders', 'o-1')).toBe(1);
    expect(await world.broker.depth(`${queue}.dlq`)).toBe(0);
  });

  it('leaves everything where it is when the work queue does not exist', async () => {
    const rest = aQueue('rest');
    await (await world.broker.ready()).assertQueue(rest);
    await world.broker.send(rest, 'o-2', {});
    await expect(putBack(world.vhost.url, rest, 'no-such-queue')).rejects.toThrow('NOT_FOUND');
    expect(await world.broker.depth(rest)).toBe(1);
  });
});
