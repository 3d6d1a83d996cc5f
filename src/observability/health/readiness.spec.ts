import type { ConsumerStatus } from '../../consumer/consumer.module';
import type { Finding } from '../../message/message.module';
import { judgeReadiness, type ServiceState } from './readiness';

const consumer = (queue: string, more: Partial<ConsumerStatus> = {}): ConsumerStatus => ({
  queue,
  state: 'running',
  reason: null,
  handlers: [],
  idempotency: ['transactional'],
  concurrency: 10,
  prefetch: 10,
  inFlight: 0,
  waiting: 0,
  paused: null,
  drift: [],
  findings: [],
  retryDelays: [],
  deadLetterQueue: `${queue}.dlq`,
  ...more,
});

const connected = { status: 'connected', reason: undefined } as const;
const well: ServiceState = {
  stopping: false,
  connections: { consume: connected, publish: connected },
  database: { available: true, reason: undefined },
  consumers: [consumer('orders')],
  findings: [],
  policies: { state: 'read' },
};
const drift = [
  {
    queue: 'orders',
    argument: 'x-queue-type',
    declared: 'quorum',
    existing: 'classic',
    tolerated: false,
    mend: 'migrate it',
  },
];
const drifted = { state: 'drifted', reason: 'x-queue-type is classic', drift } as const;

const missing = (state: ServiceState): Record<string, unknown> =>
  Object.fromEntries(
    judgeReadiness(state)
      .filter(({ up }) => !up)
      .map(({ name, details }) => [name, details['reason']]),
  );

describe('judgeReadiness', () => {
  it.each<[string, Partial<ServiceState>, Record<string, unknown>]>([
    ['everything there', {}, {}],
    ['no consumers at all', { consumers: [] }, {}],
    ['a shutdown', { stopping: true }, { service: 'shutting down' }],
    [
      'no broker',
      {
        connections: {
          consume: { status: 'disconnected', reason: 'connect ECONNREFUSED 127.0.0.1:5672' },
          publish: { status: 'disconnected', reason: undefined },
        },
      },
      { broker: 'consume disconnected: connect ECONNREFUSED 127.0.0.1:5672; publish disconnected' },
    ],
    [
      'a memory alarm',
      { connections: { consume: connected, publish: { status: 'blocked', reason: 'low on memory' } } },
      { broker: 'publish blocked: low on memory' },
    ],
    [
      'no database',
      { database: { available: false, reason: 'connect ECONNREFUSED' } },
      { database: 'connect ECONNREFUSED' },
    ],
    [
      'a database never reached',
      { database: { available: false, reason: undefined } },
      { database: 'not reached yet' },
    ],
    [
      'a consumer that starts',
      { consumers: [consumer('orders'), consumer('mail', { state: 'starting', reason: 'no connection' })] },
      { 'consumer:mail': 'no connection' },
    ],
    [
      'a consumer that waits',
      { consumers: [consumer('orders', { state: 'waiting', reason: 'database' })] },
      { 'consumer:orders': 'database' },
    ],
    [
      'a consumer that stopped',
      { consumers: [consumer('orders', { state: 'stopped' })] },
      { 'consumer:orders': undefined },
    ],
    [
      'one paused by an operator',
      { consumers: [consumer('orders', { state: 'paused', paused: { by: 'ann', at: '', reason: null } })] },
      {},
    ],
    ['one of two drifted', { consumers: [consumer('orders', drifted), consumer('mail')] }, {}],
    [
      'all drifted',
      { consumers: [consumer('orders', drifted)] },
      { 'consumer:orders': 'x-queue-type is classic' },
    ],
  ])('with %s', (_, change, expected) => {
    expect(missing({ ...well, ...change })).toEqual(expected);
  });

  it('says of a drifted consumer what mends it, also while the service is ready', () => {
    const parts = judgeReadiness({ ...well, consumers: [consumer('orders', drifted), consumer('mail')] });
    expect(parts.find(({ name }) => name === 'consumer:orders')).toEqual({
      name: 'consumer:orders',
      up: true,
      details: { state: 'drifted', reason: 'x-queue-type is classic', degraded: true, mend: ['migrate it'] },
    });
  });

  it('says who paused a consumer', () => {
    const parts = judgeReadiness({
      ...well,
      consumers: [consumer('orders', { state: 'paused', paused: { by: 'ann', at: '', reason: null } })],
    });
    expect(parts.at(-1)?.details).toEqual({ state: 'paused', pausedBy: 'ann' });
  });

  describe('of a topology that somebody else has changed', () => {
    const finding = (object: string): Finding => ({
      object,
      kind: 'expires',
      policy: 'all',
      key: 'message-ttl',
      value: 5,
      effect: 'a message is lost',
      mend: 'let the policy "all" not match it',
    });
    const topology = (more: Partial<ServiceState>): unknown =>
      judgeReadiness({ ...well, ...more }).find(({ name }) => name === 'topology');

    it('says what happens and what mends it, and stays ready', () => {
      expect(topology({ findings: [finding('orders'), finding('mail')] })).toEqual({
        name: 'topology',
        up: true,
        details: {
          policies: 'read',
          degraded: true,
          findings: [
            { object: 'orders', kind: 'expires', policy: 'all', effect: 'a message is lost' },
            { object: 'mail', kind: 'expires', policy: 'all', effect: 'a message is lost' },
          ],
          mend: ['let the policy "all" not match it'],
        },
      });
      expect(missing({ ...well, findings: [finding('orders')] })).toEqual({});
    });

    it('says when it cannot be known', () => {
      expect(topology({ policies: { state: 'unreadable', reason: 'ECONNREFUSED' } })).toMatchObject({
        up: true,
        details: { policies: 'unreadable', reason: 'ECONNREFUSED' },
      });
      expect(topology({ policies: undefined })).toMatchObject({ details: { policies: 'not read yet' } });
    });

    it('names the first and counts the rest', () => {
      const many = Array.from({ length: 25 }, (_, i) => finding(`q${i}`));
      expect(topology({ findings: many })).toMatchObject({
        details: { findings: many.slice(0, 20).map(({ object }) => ({ object })), more: 5 },
      });
    });
  });
});
