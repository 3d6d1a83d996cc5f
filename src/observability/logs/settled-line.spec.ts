import type { Delivery, HoldfastEvents, Outcome } from '../../message/message.module';
import { settledLine } from './settled-line';

const delivery: Delivery = {
  queue: 'orders',
  exchange: 'shop',
  routingKey: 'order.created',
  properties: {},
  headers: {},
  body: Buffer.from('{"card":"4111"}'),
  redelivered: false,
  viaRetry: false,
  attempt: 2,
  copyToken: undefined,
  delayLeftMs: 0,
  firstFailedAt: undefined,
  replay: undefined,
  receivedAt: 0,
};

function settled(
  outcome: Outcome,
  more: Partial<HoldfastEvents['message.settled']> = {},
): HoldfastEvents['message.settled'] {
  return {
    delivery,
    outcome,
    transactionId: 'order-1',
    traceId: '0af7651916cd43dd8448eb211c80319c',
    handler: 'OrderHandlers.onOrder',
    durationMs: 12.3456,
    acknowledged: true,
    ...more,
  };
}

const failure = new Error('downstream answered 503', { cause: new TypeError('no route') });

describe('settledLine', () => {
  it.each<[Outcome, string, boolean]>([
    [{ kind: 'completed' }, 'log', false],
    [{ kind: 'duplicate' }, 'log', false],
    [{ kind: 'discard', reason: 'test order' }, 'log', false],
    [{ kind: 'defer', reason: 'lease', delayMs: 100 }, 'debug', false],
    [{ kind: 'retry', delayMs: 10_000, reason: 'error', error: failure }, 'warn', true],
    [{ kind: 'dead-letter', reason: 'attempts-exhausted', error: failure }, 'error', true],
    [{ kind: 'release', reason: 'database' }, 'debug', false],
  ])('writes %j at level %s', (outcome, level, isFailure) => {
    const line = settledLine(settled(outcome), 'all');
    expect(line).toMatchObject({
      level,
      fields: {
        transactionId: 'order-1',
        queue: 'orders',
        attempt: 2,
        outcome: outcome.kind,
        durationMs: 12.3,
        traceId: '0af7651916cd43dd8448eb211c80319c',
        handler: 'OrderHandlers.onOrder',
        ...('reason' in outcome && { reason: outcome.reason }),
      },
    });
    expect(settledLine(settled(outcome), 'failures') !== undefined).toBe(isFailure);
    expect(settledLine(settled(outcome), 'none')).toBeUndefined();
  });

  it('describes the error of a try without its stack, and that of a dead letter with it', () => {
    const tried = settledLine(settled({ kind: 'retry', delayMs: 1, reason: 'error', error: failure }), 'all');
    expect(tried?.fields['error']).toEqual({
      type: 'Error',
      message: 'downstream answered 503',
      cause: 'TypeError: no route',
    });
    const dead = settledLine(
      settled({ kind: 'dead-letter', reason: 'permanent-error', error: failure }),
      'all',
    );
    expect(dead?.fields['error']).toMatchObject({ stack: expect.stringContaining('settled-line.spec') });
  });

  it('leaves out what libraries hang on their errors', () => {
    const error = Object.assign(new Error('insert failed'), {
      code: '23505',
      parameters: ['4111'],
      config: { headers: {} },
    });
    const line = settledLine(settled({ kind: 'retry', delayMs: 1, reason: 'error', error }), 'all');
    expect(line?.fields['error']).toEqual({ type: 'Error', message: 'insert failed', code: '23505' });
  });

  it.each([
    ['a text', 'boom', 'boom'],
    ['an object', { a: 1 }, '{"a":1}'],
    ['null', null, 'null'],
  ])('describes %s that was thrown', (_, error, message) => {
    const line = settledLine(settled({ kind: 'retry', delayMs: 1, reason: 'error', error }), 'all');
    expect(line?.fields['error']).toMatchObject({ message });
  });

  it('never carries the body, and bounds what a producer chooses', () => {
    const line = settledLine(settled({ kind: 'completed' }, { transactionId: 'x'.repeat(10_000) }), 'all');
    expect(JSON.stringify(line)).not.toContain('4111');
    expect(JSON.stringify(line).length).toBeLessThan(1_500);
  });

  it('says so when the acknowledgement did not arrive', () => {
    const line = settledLine(settled({ kind: 'completed' }, { acknowledged: false }), 'all');
    expect(line).toMatchObject({
      fields: { acknowledged: false },
      text: expect.stringContaining('delivers it again'),
    });
  });
});
