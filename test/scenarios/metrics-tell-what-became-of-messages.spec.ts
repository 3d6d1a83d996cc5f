import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Discard, PermanentError, ReliableConsumer, RetryLater, type MessageContext } from 'holdfast';
import { ObservabilityModule } from '../../src/observability/observability.module';
import { eventually } from '../support/eventually';
import { aQueue, World, type RunningHoldfast } from '../support/holdfast';

const queue = aQueue('orders');

class Orders {
  @ReliableConsumer({ queue, retry: { delays: ['10ms', '10ms'] } })
  async onOrder(order: { then?: string }, context: MessageContext): Promise<void> {
    if (order.then === 'discard') throw new Discard('not wanted 4711');
    if (order.then === 'permanent') throw new PermanentError('card 4711 refused');
    if (context.attempt > 1) return;
    if (order.then === 'retry') throw new TypeError('order 4711 failed');
    if (order.then === 'later') throw new RetryLater('20ms');
  }
}

describe('the metrics', () => {
  let world: World;
  let holdfast: RunningHoldfast;
  let address: string;

  const page = async (): Promise<string> => {
    const response = await fetch(`${address}/metrics`);
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toMatch(/^text\/plain; .*version=0\.0\.4/);
    return response.text();
  };
  const sample = (text: string, series: string): number | undefined => {
    const line = text.split('\n').find((one) => one.startsWith(`${series} `));
    return line === undefined ? undefined : Number(line.slice(series.length + 1));
  };

  beforeAll(async () => {
    world = await World.create();
    holdfast = await world.start({ handlers: [Orders], imports: [ObservabilityModule] });
    await holdfast.app.listen(0);
    address = await holdfast.app.getUrl();
  });
  afterAll(() => world.remove());

  it('begin at 0 for every outcome of every consumer, before the first message', async () => {
    const text = await page();
    for (const outcome of ['completed', 'duplicate', 'retry', 'defer', 'dead-letter', 'discard', 'release']) {
      expect(sample(text, `holdfast_messages_total{queue="${queue}",outcome="${outcome}"}`)).toBe(0);
    }
    expect(sample(text, `holdfast_in_flight{queue="${queue}"}`)).toBe(0);
  });

  it('count what became of each message', async () => {
    const send = (id: string, body: object): Promise<void> => world.broker.send(queue, id, body);
    await send('m-1', {});
    await holdfast.outcome('m-1', 'completed');
    await send('m-1', {});
    await holdfast.outcome('m-1', 'duplicate');
    await send('m-2', { then: 'retry' });
    await holdfast.outcome('m-2', 'completed');
    await send('m-3', { then: 'later' });
    await holdfast.outcome('m-3', 'completed');
    await send('m-4', { then: 'discard' });
    await holdfast.outcome('m-4', 'discard');
    await send('m-5', { then: 'permanent' });
    await holdfast.outcome('m-5', 'dead-letter');
    const text = await page();
    const counted = (outcome: string): number | undefined =>
      sample(text, `holdfast_messages_total{queue="${queue}",outcome="${outcome}"}`);
    expect(['completed', 'duplicate', 'retry', 'discard', 'dead-letter', 'release'].map(counted)).toEqual([
      3, 1, 2, 1, 1, 0,
    ]);
    expect(sample(text, `holdfast_retries_total{queue="${queue}",reason="error"}`)).toBe(1);
    expect(sample(text, `holdfast_retries_total{queue="${queue}",reason="retry-later"}`)).toBe(1);
    expect(sample(text, `holdfast_processing_seconds_count{queue="${queue}"}`)).toBe(8);
  });

  it('tell the state of consumers, connections, database and queues as it is now', async () => {
    const text = await page();
    expect(sample(text, `holdfast_consumer_state{queue="${queue}",state="running"}`)).toBe(1);
    expect(sample(text, `holdfast_consumer_state{queue="${queue}",state="paused"}`)).toBe(0);
    expect(sample(text, 'holdfast_broker_connected{connection="consume"}')).toBe(1);
    expect(sample(text, 'holdfast_broker_connected{connection="publish"}')).toBe(1);
    expect(sample(text, 'holdfast_database_available')).toBe(1);
    expect(sample(text, 'holdfast_outbox_oldest_timestamp_seconds')).toBe(0);
    await holdfast.consumers.pause(queue, { by: 'ann' });
    await eventually(async () => {
      expect(sample(await page(), `holdfast_consumer_state{queue="${queue}",state="paused"}`)).toBe(1);
    });
    await world.broker.send(queue, 'm-6', {});
    await eventually(async () => {
      const now = await page();
      expect(sample(now, `holdfast_queue_ready{queue="${queue}"}`)).toBe(1);
      expect(sample(now, `holdfast_queue_ready{queue="${queue}.dlq"}`)).toBe(1);
    });
    await holdfast.consumers.resume(queue, { by: 'ann' });
  });

  it('leave out a queue that is gone and tell of the others', async () => {
    await world.broker.channel.deleteQueue(`${queue}.dlq`);
    await eventually(async () => {
      const text = await page();
      expect(sample(text, `holdfast_queue_ready{queue="${queue}.dlq"}`)).toBeUndefined();
      expect(sample(text, `holdfast_queue_ready{queue="${queue}"}`)).toBe(0);
    });
  });

  it('never carry an id or the text of an error', async () => {
    expect(await page()).not.toMatch(/4711|m-1|TypeError|failed"/);
  });

  it('have the approved names', async () => {
    const names = [...(await page()).matchAll(/^# TYPE (holdfast_\w+) (\w+)$/gm)].map(
      ([, name, type]) => `${name} ${type}`,
    );
    const approved = readFileSync(join(__dirname, '..', 'approved', 'metric-names.txt'), 'utf8');
    expect(`${names.sort().join('\n')}\n`).toBe(approved);
  });

  it('keep two applications in one process apart', async () => {
    const second = aQueue('second');
    const neighbour = await world.start({ imports: [ObservabilityModule] });
    neighbour.consumers.register(second, () => undefined);
    await neighbour.app.listen(0);
    const text = await (await fetch(`${await neighbour.app.getUrl()}/metrics`)).text();
    expect(text).toContain(second);
    expect(text).not.toContain(queue);
    expect(await page()).not.toContain(second);
    await neighbour.stop();
  });

  it('ask for a key when they are told to', async () => {
    const closed = await world.start({
      imports: [ObservabilityModule],
      variables: {
        HOLDFAST_METRICS_REQUIRE_KEY: 'true',
        HOLDFAST_API_KEYS: 'prometheus:viewer:a-secret-of-at-least-32-characters',
      },
    });
    await closed.app.listen(0);
    const url = await closed.app.getUrl();
    expect((await fetch(`${url}/metrics`)).status).toBe(401);
    const headers = { authorization: 'Bearer a-secret-of-at-least-32-characters' };
    expect((await fetch(`${url}/metrics`, { headers })).status).toBe(200);
    expect((await fetch(`${url}/health/live`)).status).toBe(200);
    await closed.stop();
  });
});
