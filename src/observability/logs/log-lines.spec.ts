import { Logger, type LoggerService } from '@nestjs/common';
import { EventBus } from '../../message/message.module';
import { LogLines } from './log-lines';

type Config = ConstructorParameters<typeof LogLines>[1];

describe('LogLines', () => {
  const lines: { level: string; fields: unknown; text: unknown; context: unknown }[] = [];
  const writer = (level: string) => (fields: unknown, text: unknown, context: unknown) =>
    lines.push({ level, fields, text, context });
  const capture: LoggerService = {
    log: writer('log'),
    warn: writer('warn'),
    error: writer('error'),
    debug: writer('debug'),
  };
  const events = new EventBus();
  const logLines = new LogLines(events, { logMessages: 'all' } as Config);

  beforeAll(() => {
    Logger.overrideLogger(capture);
    logLines.onModuleInit();
  });
  beforeEach(() => lines.splice(0));
  afterAll(() => {
    Logger.overrideLogger(true);
  });

  it('writes one line for a change, however often it is said', () => {
    events.emit('connection.changed', {
      connection: 'consume',
      state: 'disconnected',
      reason: 'ECONNREFUSED',
    });
    events.emit('connection.changed', { connection: 'consume', state: 'disconnected', reason: 'ETIMEDOUT' });
    events.emit('connection.changed', {
      connection: 'publish',
      state: 'disconnected',
      reason: 'ECONNREFUSED',
    });
    events.emit('connection.changed', { connection: 'consume', state: 'connected' });
    expect(lines.map(({ level, fields }) => [level, fields])).toEqual([
      ['warn', { connection: 'consume', state: 'disconnected', reason: 'ECONNREFUSED' }],
      ['warn', { connection: 'publish', state: 'disconnected', reason: 'ECONNREFUSED' }],
      ['log', { connection: 'consume', state: 'connected', reason: undefined }],
    ]);
    expect(lines[0]).toMatchObject({ context: 'Holdfast', text: expect.stringContaining('RABBITMQ_URL') });
  });

  it('names the dependency, why it is away and what mends it, without its password', () => {
    events.emit('dependency.changed', {
      dependency: 'database',
      available: false,
      reason: 'cannot connect to postgres://app:hunter2@db/app',
    });
    expect(lines[0]?.text).toMatch(/Postgres does not answer: .*app:\*\*\*@db.*DATABASE_URL/);
    expect(JSON.stringify(lines)).not.toContain('hunter2');
  });

  it.each([
    ['running', 'log'],
    ['paused', 'log'],
    ['waiting', 'warn'],
    ['drifted', 'error'],
    ['stopped', 'log'],
    ['starting', 'debug'],
  ] as const)('says at its level that a consumer is %s', (state, level) => {
    events.emit('consumer.changed', { queue: 'orders', state, reason: 'because' });
    expect(lines).toMatchObject([{ level, fields: { queue: 'orders', state, reason: 'because' } }]);
  });

  it('says how a queue differs and what mends it', () => {
    const difference = { queue: 'orders', argument: 'x-queue-type', declared: 'quorum', existing: 'classic' };
    events.emit('topology.drifted', {
      queue: 'orders',
      drift: [{ ...difference, tolerated: false, mend: 'Migrate it.' }],
    });
    expect(lines).toMatchObject([
      {
        level: 'error',
        text: 'orders is not as declared: x-queue-type is classic, declared quorum. Migrate it.',
      },
    ]);
  });

  it('says once whether policies can be checked, and which setting mends it', () => {
    events.emit('policies.checked', { state: 'not-configured', reason: 'it is not set' });
    events.emit('policies.checked', { state: 'unreadable', reason: 'http://rabbit ECONNREFUSED' });
    events.emit('policies.checked', { state: 'unreadable', reason: 'http://rabbit answers 503' });
    events.emit('policies.checked', { state: 'read' });
    expect(lines.map(({ level }) => level)).toEqual(['log', 'warn', 'log']);
    expect(lines[0]?.text).toMatch(/cannot be checked: it is not set\. Let HOLDFAST_MANAGEMENT_URL name/);
    expect(lines[1]?.text).toMatch(/cannot be checked: http:\/\/rabbit ECONNREFUSED/);
    expect(lines[2]?.text).toMatch(/are read and judged every minute/);
  });

  it('says what is found, and when it is gone', () => {
    const finding = {
      object: 'orders',
      kind: 'expires',
      policy: 'all',
      key: 'message-ttl',
      value: 5,
      effect: 'a message is lost',
      mend: 'mend it',
    } as const;
    events.emit('findings.changed', { opened: [finding], closed: [] });
    events.emit('findings.changed', { opened: [], closed: [finding] });
    expect(lines).toMatchObject([
      { level: 'warn', context: 'Holdfast', text: expect.stringContaining('Mend: mend it') },
      { level: 'log', text: expect.stringContaining('no longer') },
    ]);
  });

  it('gathers failures to publish to one exchange into a line with their number', () => {
    jest.useFakeTimers();
    const fail = (exchange: string): void => {
      events.emit('publication.failed', { exchange, routingKey: 'k', error: new Error('no route') });
    };
    for (let i = 0; i < 1_000; i++) fail('shop');
    fail('mail');
    expect(lines).toHaveLength(2);
    jest.advanceTimersByTime(10_000);
    fail('shop');
    expect(lines[2]).toMatchObject({ level: 'error', fields: { exchange: 'shop', unlogged: 999 } });
    jest.useRealTimers();
  });
});
