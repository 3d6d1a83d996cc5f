import { Logger } from '@nestjs/common';
import { PermanentError, ReliableConsumer, type MessageContext } from 'holdfast';
import { Findings, Inspection } from '../../src/inspection/inspection.module';
import { ObservabilityModule } from '../../src/observability/observability.module';
import { aQueue, World, type RunningHoldfast } from '../support/holdfast';
import { management } from '../support/vhosts';

const queue = aQueue('orders');
const neighbour = aQueue('mail');
const [LONG, SHORT] = ['holdfast.delay.1m', 'holdfast.delay.200ms'];

class Handlers {
  @ReliableConsumer({ queue, retry: { delays: ['1m'] } })
  async onOrder({ forGood }: { forGood?: boolean }, { attempt }: MessageContext): Promise<void> {
    if (forGood) throw new PermanentError('for good');
    if (attempt === 1) throw new Error('not the first time');
  }

  @ReliableConsumer({ queue: neighbour, retry: { delays: ['200ms'] } })
  async onMail({ forGood }: { forGood?: boolean }, { attempt }: MessageContext): Promise<void> {
    if (forGood) throw new PermanentError('for good');
    if (attempt === 1) throw new Error('not the first time');
  }
}

describe('without the management API', () => {
  let world: World;
  let holdfast: RunningHoldfast;
  let address: string;
  const lines: string[] = [];
  const note = (_fields: unknown, text: unknown): unknown => lines.push(String(text));

  const lay = async (object: string, definition: Record<string, unknown>): Promise<void> => {
    const pattern = `^${object.replaceAll('.', '\\.')}$`;
    const body = { pattern, definition, 'apply-to': 'queues' };
    await management('PUT', `/policies/${encodeURIComponent(world.vhost.name)}/foreign`, body);
  };
  const takeAway = async (): Promise<void> => {
    await management('DELETE', `/policies/${encodeURIComponent(world.vhost.name)}/foreign`);
  };
  const found = async (): Promise<string[]> => {
    await holdfast.app.get(Inspection).inspect();
    const list = holdfast.app.get(Findings).list();
    return list.map(({ object, kind, policy }) => `${object} ${kind} ${policy}`);
  };
  const failOnce = async (id: string): Promise<void> => {
    await world.broker.send(queue, id, {});
    await holdfast.outcome(id, 'completed');
  };

  beforeAll(async () => {
    world = await World.create();
    holdfast = await world.start({
      handlers: [Handlers],
      imports: [ObservabilityModule],
      prepare: () => {
        Logger.overrideLogger({ log: note, warn: note, error: note, debug: note });
      },
    });
    await holdfast.app.listen(0);
    address = await holdfast.app.getUrl();
  });
  afterAll(async () => {
    Logger.overrideLogger(false);
    await world.remove();
  });

  it('one line says that policies cannot be checked and which setting mends that', async () => {
    expect(await found()).toEqual([]);
    await found();
    const said = lines.filter((line) => line.includes('cannot be checked'));
    expect(said).toEqual([expect.stringMatching(/HOLDFAST_MANAGEMENT_URL is not set/)]);
    const response = await fetch(`${address}/health/ready`);
    expect(response.status).toBe(200);
    expect(await response.json()).toMatchObject({ details: { topology: { policies: 'not-configured' } } });
    expect(await (await fetch(`${address}/metrics`)).text()).toContain('\nholdfast_policies_readable 0\n');
  });

  it('copies that come back early show that a delay tier is cut short', async () => {
    await lay(LONG, { 'message-ttl': 50 });
    await failOnce('e-1');
    expect(await found()).toEqual([]);
    await failOnce('e-2');
    expect(await found()).toEqual([`${LONG} expires null`]);
    expect(lines).toContainEqual(
      expect.stringMatching(/come back before their delay is over, the last one after \d+ms/),
    );
  });

  it('copies that are pushed out show that a delay tier drops the oldest', async () => {
    await lay(LONG, { 'max-length': 0, overflow: 'drop-head' });
    await failOnce('p-1');
    expect(await found()).toEqual(expect.arrayContaining([`${LONG} drops null`]));
    await takeAway();
  });

  it('copies that are refused show that a queue is full, and hold up no copies for others', async () => {
    const full = `${queue}.dlq`;
    await lay(full, { 'max-length': 1, overflow: 'reject-publish' });
    const refused = holdfast.events.next('publication.failed');
    const away: unknown[] = [];
    const off = holdfast.events.on('dependency.changed', (event) => away.push(event));
    // A quorum queue takes a few more before it says that it is full.
    for (let i = 1; i <= 5; i++) await world.broker.send(queue, `f-${i}`, { forGood: true });
    expect(await refused).toMatchObject({ exchange: 'holdfast.dead', routingKey: queue });
    await world.broker.send(neighbour, 'n-1', { forGood: true });
    await holdfast.outcome('n-1', 'dead-letter');
    expect(await found()).toContain(`${full} refuses null`);
    expect(
      holdfast.settled.filter(({ transactionId }) => transactionId?.startsWith('f-')).length,
    ).toBeLessThan(5);

    await takeAway();
    for (let i = 1; i <= 5; i++) await holdfast.outcome(`f-${i}`, 'dead-letter');
    expect(await world.broker.depth(full)).toBe(5);
    expect(away).toEqual([]);
    off();
  });

  it.each([
    ['queue', LONG],
    ['exchange', SHORT],
    ['queue', 'holdfast.unroutable'],
    ['exchange', 'holdfast.due'],
  ] as const)('the %s %s is missed, reported and declared again, with its bindings', async (kind, name) => {
    const channel = await world.broker.ready();
    await (kind === 'queue' ? channel.deleteQueue(name) : channel.deleteExchange(name));
    expect(await found()).toContain(`${name} missing null`);
    const there = await world.broker.ready();
    await (kind === 'queue' ? there.checkQueue(name) : there.checkExchange(name));
    expect(await found()).not.toContain(`${name} missing null`);
    expect(lines).toContainEqual(expect.stringMatching(new RegExp(`^${name}: the ${kind} is gone`)));
    const id = `m-${kind}-${name}`;
    await world.broker.send(neighbour, id, {});
    await holdfast.outcome(id, 'completed');
  });
});
