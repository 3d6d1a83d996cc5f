import { Test } from '@nestjs/testing';
import type { INestApplication } from '@nestjs/common';
import {
  Discard,
  EventBus,
  HoldfastModule,
  PermanentError,
  ReliableConsumer,
  type MessageContext,
  type Outcome,
} from 'holdfast';
import {
  JsonLogsModule,
  LOG_DESTINATION,
  logAsJson,
  ObservabilityModule,
} from '../../src/observability/observability.module';
import { eventually } from '../support/eventually';
import { aQueue, World } from '../support/holdfast';

const queue = aQueue('orders');
const TRACE = '0af7651916cd43dd8448eb211c80319c';
const traceparent = `00-${TRACE}-b7ad6b7169203331-01`;

interface Order {
  then?: string;
  text?: string;
}

class Orders {
  @ReliableConsumer({ queue, retry: { delays: ['10ms'] } })
  async onOrder(order: Order, context: MessageContext): Promise<void> {
    context.log.info('a line of the handler', { orderKind: 'gift', password: 'hunter2' });
    if (order.then === 'discard') throw new Discard('not wanted');
    if (order.then === 'permanent') throw new PermanentError(order.text ?? 'refused');
    if (order.then === 'retry' && context.attempt === 1) throw new TypeError('downstream answered 503');
    await Promise.resolve();
  }
}

type Line = Record<string, unknown>;

describe('the log', () => {
  let world: World;
  let app: INestApplication;
  const raw: string[] = [];
  const lines = (): Line[] => raw.map((line) => JSON.parse(line) as Line);
  const lineOf = (id: string, outcome: Outcome['kind']): Promise<Line> =>
    eventually(() => {
      const found = lines().filter((line) => line['transactionId'] === id && line['outcome'] === outcome);
      expect(found).toHaveLength(1);
      return found[0] ?? {};
    });
  const send = (id: string, body: Order, headers = {}): Promise<void> =>
    world.broker.send(queue, id, body, { headers: { traceparent, ...headers } });

  beforeAll(async () => {
    world = await World.create();
    const environment = { ...world.environment, LOG_LEVEL: 'debug' };
    const testing = await Test.createTestingModule({
      imports: [
        HoldfastModule.forRoot({ environment, handlers: [Orders], requireAllHandlers: false }),
        ObservabilityModule,
        JsonLogsModule,
      ],
    })
      .overrideProvider(LOG_DESTINATION)
      .useValue({ write: (line: string) => raw.push(line) })
      .compile();
    app = testing.createNestApplication();
    logAsJson(app);
    const attached = app.get(EventBus).next('consumer.changed', ({ state }) => state === 'running');
    await app.listen(0);
    await attached;
  });
  afterAll(async () => {
    await app.close();
    await world.remove();
  });

  it.each<[string, Order, Outcome['kind'], Line]>([
    ['l-1', {}, 'completed', { level: 'info', attempt: 1 }],
    ['l-2', { then: 'discard' }, 'discard', { level: 'info', reason: 'not wanted' }],
    [
      'l-3',
      { then: 'retry' },
      'retry',
      {
        level: 'warn',
        attempt: 1,
        reason: 'TypeError',
        error: { type: 'TypeError', message: 'downstream answered 503' },
      },
    ],
    [
      'l-4',
      { then: 'permanent' },
      'dead-letter',
      {
        level: 'error',
        error: expect.objectContaining({ type: 'PermanentError', stack: expect.stringContaining('onOrder') }),
      },
    ],
  ])(
    'has one line for message %s, which %j makes %s, with everything to find it by',
    async (id, body, outcome, more) => {
      await send(id, body);
      expect(await lineOf(id, outcome)).toMatchObject({
        context: 'Messages',
        service: 'holdfast',
        time: expect.stringMatching(/^20\d\d-.*Z$/),
        transactionId: id,
        queue,
        outcome,
        durationMs: expect.any(Number),
        traceId: TRACE,
        handler: 'Orders.onOrder',
        ...more,
      });
    },
  );

  it('has one for the try after a retry, and one for a duplicate', async () => {
    expect(await lineOf('l-3', 'completed')).toMatchObject({ attempt: 2, traceId: TRACE });
    await send('l-1', {});
    expect(await lineOf('l-1', 'duplicate')).toMatchObject({ level: 'info' });
  });

  it('has the lines of handlers with the same fields, and no secrets', async () => {
    const line = await eventually(() => {
      const found = lines().find(
        ({ msg, transactionId }) => msg === 'a line of the handler' && transactionId === 'l-1',
      );
      expect(found).toBeDefined();
      return found;
    });
    expect(line).toMatchObject({
      level: 'info',
      queue,
      attempt: 1,
      traceId: TRACE,
      orderKind: 'gift',
      password: '***',
    });
    expect(raw.join('')).not.toContain('hunter2');
  });

  it('stays one line of at most 8 KiB, whatever a producer or an error says', async () => {
    const hostile = `\r\n{"level":"fatal","msg":"forged"}\u001b[31m\u202e${'订'.repeat(100_000)}`;
    const id = 'l-5\n\u001b[31m';
    await world.broker.send(queue, id, { then: 'permanent', text: hostile });
    const line = await lineOf(id, 'dead-letter');
    expect(line['level']).toBe('error');
    for (const one of raw) {
      expect(Buffer.byteLength(one)).toBeLessThanOrEqual(8 * 1024);
      expect(one.slice(0, -1)).not.toMatch(/[\p{Cc}\u202e]/u);
    }
    expect(lines().some(({ level }) => level === 'fatal')).toBe(false);
  });

  it('says each change of a connection or consumer once', () => {
    const changes = lines().filter(({ context }) => context === 'Holdfast');
    expect(
      changes.filter(({ connection, state }) => connection === 'consume' && state === 'connected'),
    ).toHaveLength(1);
    expect(changes.filter(({ state, queue: name }) => state === 'running' && name === queue)).toHaveLength(1);
  });

  it('has a line for each request, without its query and key, and none for probes', async () => {
    const address = await app.getUrl();
    const headers = { authorization: 'Bearer a-secret-of-at-least-32-characters' };
    await fetch(`${address}/api/v1/consumers?search=4111`, { headers });
    await fetch(`${address}/health/live`);
    await fetch(`${address}/metrics`);
    const requests = await eventually(() => {
      const found = lines().filter((line) => 'req' in line);
      expect(found).toHaveLength(1);
      return found;
    });
    expect(requests[0]).toMatchObject({
      level: 'warn',
      msg: 'GET /api/v1/consumers 401',
      req: { method: 'GET', path: '/api/v1/consumers' },
      res: { statusCode: 401 },
    });
    expect(raw.join('')).not.toMatch(/4111|a-secret-of/);
  });
});
