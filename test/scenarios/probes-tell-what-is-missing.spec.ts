import { setTimeout as sleep } from 'node:timers/promises';
import { ReliableConsumer } from 'holdfast';
import { ObservabilityModule } from '../../src/observability/observability.module';
import { BrokerClient } from '../support/broker-client';
import { eventually } from '../support/eventually';
import { extraServer, type ExtraServer } from '../support/extra-server';
import { aQueue, World, type RunningHoldfast } from '../support/holdfast';

const queue = aQueue('orders');
const other = aQueue('mail');

class Handlers {
  running = 0;
  release: () => void = () => undefined;

  @ReliableConsumer({ queue, idempotency: 'off' })
  async onOrder(): Promise<void> {
    this.running++;
    await new Promise<void>((resolve) => (this.release = resolve));
  }

  @ReliableConsumer({ queue: other })
  async onMail(): Promise<void> {
    await Promise.resolve();
  }
}

interface Probe {
  status: number;
  body: {
    status: string;
    error: Record<string, { status: string; reason?: string }>;
    details: Record<string, object>;
  };
}

describe('the probes', () => {
  let world: World;
  let rabbitmq: ExtraServer;
  let postgres: ExtraServer;
  let holdfast: RunningHoldfast;
  let address: string;

  const probe = async (name: 'live' | 'ready' | 'startup'): Promise<Probe> => {
    const response = await fetch(`${address}/health/${name}`, { signal: AbortSignal.timeout(1_000) });
    return { status: response.status, body: (await response.json()) as Probe['body'] };
  };
  const readyWith = (status: number, ...missing: string[]): Promise<Probe> =>
    eventually(async () => {
      const answer = await probe('ready');
      expect(answer.status).toBe(status);
      expect(Object.keys(answer.body.error)).toEqual(expect.arrayContaining(missing));
      return answer;
    }, 40_000);

  beforeAll(async () => {
    [world, rabbitmq, postgres] = await Promise.all([
      World.create(),
      extraServer('rabbitmq'),
      extraServer('postgres'),
    ]);
    await Promise.all([rabbitmq.stop(), postgres.stop()]);
    holdfast = await world.start({
      handlers: [Handlers],
      imports: [ObservabilityModule],
      variables: { RABBITMQ_URL: rabbitmq.url, DATABASE_URL: postgres.url },
      wait: false,
    });
    await holdfast.app.listen(0);
    address = await holdfast.app.getUrl();
  });
  afterAll(async () => {
    await world.remove();
    await Promise.all([rabbitmq.remove(), postgres.remove()]);
  });

  it('live without broker and database, not started, and not ready, saying which part is missing and why', async () => {
    expect(await probe('live')).toMatchObject({ status: 200, body: { status: 'ok' } });
    expect(await probe('startup')).toMatchObject({ status: 503, body: { status: 'error' } });
    const { body } = await readyWith(503, 'broker', 'database', `consumer:${queue}`);
    expect(body).toMatchObject({
      status: 'error',
      error: {
        broker: { status: 'down', consume: 'disconnected', publish: 'disconnected' },
        [`consumer:${queue}`]: { status: 'down', state: 'starting' },
      },
    });
    expect(body.error['database']?.reason).toMatch(/ECONNREFUSED|not reached/);
  });

  it('ready once both are there', async () => {
    await Promise.all([rabbitmq.start(), postgres.start()]);
    const { body } = await readyWith(200);
    expect(body.details).toMatchObject({
      broker: { status: 'up' },
      [`consumer:${other}`]: { state: 'running' },
    });
    expect(await probe('startup')).toMatchObject({ status: 200 });
  });

  it('not ready while the database is away, and ready again by itself', async () => {
    await postgres.stop();
    const { body } = await readyWith(503, 'database');
    expect(body.error).not.toHaveProperty('broker');
    expect((await probe('live')).status).toBe(200);
    expect((await probe('startup')).status).toBe(200);
    await postgres.start();
    await readyWith(200);
  });

  it('not ready while the broker is away, and ready again by itself', async () => {
    await rabbitmq.stop();
    const { body } = await readyWith(503, 'broker');
    expect(body.error).not.toHaveProperty('database');
    expect(body.error['broker']?.reason).toMatch(/consume disconnected/);
    expect((await probe('live')).status).toBe(200);
    await rabbitmq.start();
    await readyWith(200);
  });

  it('ready while an operator has paused a consumer', async () => {
    await holdfast.consumers.pause(other, { by: 'ann', reason: 'cleaning up' });
    const { body } = await eventually(async () => {
      const answer = await readyWith(200);
      expect(answer.body.details[`consumer:${other}`]).toMatchObject({ state: 'paused' });
      return answer;
    });
    expect(body.details[`consumer:${other}`]).toMatchObject({ status: 'up', pausedBy: 'ann' });
  });

  it('not ready from the first moment of a shutdown, while handlers still run', async () => {
    const handlers = holdfast.app.get(Handlers);
    const producer = await BrokerClient.connect(rabbitmq.url);
    await producer.send(queue, 'm-1', {});
    await eventually(() => {
      expect(handlers.running).toBe(1);
    });
    const stopped = holdfast.stop();
    await sleep(50);
    const { status, body } = await probe('ready');
    expect([status, body.error['service']?.reason]).toEqual([503, 'shutting down']);
    expect((await probe('live')).status).toBe(200);
    handlers.release();
    await stopped;
    await producer.close();
  });
});
