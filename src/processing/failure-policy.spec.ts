import { UnconfirmedError } from '../broker/broker.module';
import { TransactionLostError } from '../database/database.module';
import {
  Discard,
  HandlerTimeoutError,
  PermanentError,
  Rejected,
  RetryLater,
  ShutdownError,
} from '../message/message.module';
import { decideFailure, isContention } from './failure-policy';

class DeclinedError extends Error {}
class GoneError extends DeclinedError {}
/** Thrown by libraries that do not extend Error. */
class Refusal {}

const policy = {
  retry: { attempts: 3, lanes: [[10_000, 11_500, 13_000], [30_000]] },
  classify: [
    { when: GoneError, then: 'discard' as const },
    { when: DeclinedError, then: 'dead-letter' as const },
    { when: Refusal, then: 'dead-letter' as const },
    { when: RangeError, then: 'discard' as const },
    { when: (error: unknown) => (error as { status: number }).status === 429, then: { retryAfter: '2m' } },
  ],
};

describe('decideFailure', () => {
  it.each<[string, unknown, number, object]>([
    [
      'an error is retried by the policy',
      new TypeError('x'),
      1,
      { kind: 'retry', delayMs: 10_000, reason: 'TypeError' },
    ],
    [
      'the second failure waits longer',
      new Error('x'),
      2,
      { kind: 'retry', delayMs: 30_000, reason: 'Error' },
    ],
    ['the last try ends it', new Error('x'), 3, { kind: 'dead-letter', reason: 'attempts-exhausted' }],
    [
      'more tries than allowed end it too',
      new Error('x'),
      99,
      { kind: 'dead-letter', reason: 'attempts-exhausted' },
    ],
    [
      'a timeout is transient',
      new HandlerTimeoutError(20_000),
      1,
      { kind: 'retry', reason: 'HandlerTimeoutError' },
    ],
    [
      'PermanentError is a dead letter at once',
      new PermanentError('no'),
      1,
      { kind: 'dead-letter', reason: 'permanent-error' },
    ],
    [
      'middleware names its reason',
      new Rejected('malformed', 'no'),
      1,
      { kind: 'dead-letter', reason: 'malformed' },
    ],
    [
      'RetryLater has its own delay',
      new RetryLater('37m'),
      1,
      { kind: 'retry', delayMs: 2_220_000, reason: 'RetryLater' },
    ],
    [
      'RetryLater uses up attempts',
      new RetryLater('37m'),
      3,
      { kind: 'dead-letter', reason: 'attempts-exhausted' },
    ],
    ['Discard says why', new Discard('too old'), 1, { kind: 'discard', reason: 'too old' }],
    ['a rule by class', new DeclinedError('card'), 1, { kind: 'dead-letter', reason: 'permanent-error' }],
    [
      'a rule by a class that is no Error',
      new Refusal(),
      1,
      { kind: 'dead-letter', reason: 'permanent-error' },
    ],
    ['a rule by a built-in class', new RangeError('far'), 1, { kind: 'discard', reason: 'far' }],
    ['the first rule that fits decides', new GoneError('gone'), 1, { kind: 'discard', reason: 'gone' }],
    ['a rule by predicate', { status: 429 }, 1, { kind: 'retry', delayMs: 120_000, reason: 'NonError' }],
    ['a predicate that throws fits nothing', undefined, 1, { kind: 'retry', reason: 'NonError' }],
    [
      'the database away is not the message’s fault',
      new TransactionLostError('x'),
      3,
      { kind: 'release', reason: 'database' },
    ],
    ['nor is the broker', new UnconfirmedError('x'), 3, { kind: 'release', reason: 'publisher' }],
    ['nor is a shutdown', new ShutdownError(), 3, { kind: 'release', reason: 'shutdown' }],
  ])('%s', (_, error, attempt, expected) => {
    expect(decideFailure(error, attempt, policy, () => 0)).toMatchObject(expected);
  });

  it('draws the lane of a delay, which only lengthens it', () => {
    const delays = [0, 0.34, 0.99].map((random) => decideFailure(new Error('x'), 1, policy, () => random));
    expect(delays.map((outcome) => (outcome.kind === 'retry' ? outcome.delayMs : 0))).toEqual([
      10_000, 11_500, 13_000,
    ]);
  });

  it('never uses an error’s text as a reason', () => {
    const error = Object.assign(new Error('x'), { name: 'order 4711 failed' });
    expect(decideFailure(error, 1, policy)).toMatchObject({ reason: 'Error' });
  });
});

describe('isContention', () => {
  const sql = (code: string): Error => Object.assign(new Error(code), { code, severity: 'ERROR' });
  it.each([
    [sql('40001'), true],
    [sql('40P01'), true],
    [sql('55P03'), true],
    [new Error('wrapped', { cause: sql('40001') }), true],
    [Object.assign(new Error('v'), { name: 'OptimisticLockVersionMismatchError' }), true],
    [sql('23505'), false],
    [new Error('40001'), false],
    [undefined, false],
  ])('%s → %s', (error, expected) => {
    expect(isContention(error)).toBe(expected);
  });
});
