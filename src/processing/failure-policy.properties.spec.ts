import fc from 'fast-check';
import { anything } from '../../test/support/hostile-values';
import { UnconfirmedError } from '../broker/broker.module';
import { TransactionLostError } from '../database/database.module';
import {
  Discard,
  examinable,
  isDeadLetterReason,
  PermanentError,
  Rejected,
  RetryLater,
  ShutdownError,
  type Outcome,
} from '../message/message.module';
import { delayAfter, type Verdict } from '../registration/registration.module';
import { decideFailure, isContention } from './failure-policy';

type Policy = Parameters<typeof decideFailure>[2];

const verdict: fc.Arbitrary<Verdict> = fc.oneof(
  fc.constantFrom('retry' as const, 'dead-letter' as const, 'discard' as const),
  fc.nat(86_400_000).map((retryAfter) => ({ retryAfter })),
);
const rule = fc.record({
  when: fc.constantFrom<Policy['classify'][number]['when']>(
    TypeError,
    (error) => (error as { code: string }).code === 'GONE',
    () => true,
    () => {
      throw new Error('a rule of the user that fails');
    },
  ),
  then: verdict,
});
const policy: fc.Arbitrary<Policy> = fc.record({
  classify: fc.array(rule, { maxLength: 3 }),
  retry: fc
    .array(fc.array(fc.integer({ min: 1, max: 86_400_000 }), { minLength: 1, maxLength: 3 }), {
      maxLength: 5,
    })
    .map((lanes) => ({ attempts: lanes.length + 1, lanes })),
});
const attempt = fc.oneof(fc.nat(8), fc.nat(2 ** 31 - 1));
const chance = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });

/** What arrives at the policy: middleware lets out nothing else (`compose`). */
const thrown = fc.oneof(
  anything().map(
    ({ make }) =>
      () =>
        examinable(make()),
  ),
  fc.constantFrom<() => unknown>(
    () => new PermanentError('no'),
    () => new Rejected('malformed', 'no'),
    () => new Discard('old'),
    () => new RetryLater(37),
    () => new ShutdownError(),
    () => new TransactionLostError('away'),
    () => new UnconfirmedError('away'),
    () => Object.assign(new Error('gone'), { code: 'GONE' }),
    () => Object.assign(new Error('x'), { name: 'order 4711 failed' }),
  ),
);

function isWhole({ kind, ...rest }: Outcome): boolean {
  const { reason, delayMs } = rest as { reason?: unknown; delayMs?: unknown };
  if (typeof reason !== 'string') return false;
  if (kind === 'retry')
    return Number.isSafeInteger(delayMs) && Number(delayMs) >= 0 && /^\w{1,60}$/.test(reason);
  if (kind === 'dead-letter') return isDeadLetterReason(reason);
  return kind === 'discard' || (kind === 'release' && reason !== '');
}

describe('decideFailure, of anything that is thrown', () => {
  it('is one whole outcome: it never throws, and never calls a failure a success', () => {
    fc.assert(
      fc.property(thrown, attempt, policy, chance, (make, tries, one, random) => {
        expect(isWhole(decideFailure(make(), tries, one, () => random))).toBe(true);
      }),
      { numRuns: 500 },
    );
  });

  it('never tries again once the tries are used up, and waits no less than the policy says', () => {
    fc.assert(
      fc.property(thrown, attempt, policy, chance, (make, tries, one, random) => {
        fc.pre(tries > 0);
        const error = make();
        const outcome = decideFailure(error, tries, one, () => random);
        if (outcome.kind !== 'retry') return;
        expect(tries).toBeLessThan(one.retry.attempts);
        const own = one.classify.flatMap(({ then }) => (typeof then === 'object' ? [then.retryAfter] : []));
        const delays = [
          delayAfter(one.retry, tries, () => random),
          ...own,
          ...(error instanceof RetryLater ? [37] : []),
        ];
        expect(delays).toContain(outcome.delayMs);
      }),
      { numRuns: 500 },
    );
  });

  it('lets no rule of the user judge what is not the message’s fault, nor what has judged itself', () => {
    fc.assert(
      fc.property(attempt, policy, (tries, one) => {
        const judged = (error: unknown): Outcome => decideFailure(error, tries, one);
        expect(judged(new ShutdownError())).toMatchObject({ kind: 'release', reason: 'shutdown' });
        expect(judged(new TransactionLostError('x'))).toMatchObject({ kind: 'release', reason: 'database' });
        expect(judged(new UnconfirmedError('x'))).toMatchObject({ kind: 'release', reason: 'publisher' });
        expect(judged(new Discard('x'))).toMatchObject({ kind: 'discard', reason: 'x' });
        expect(judged(new Rejected('invalid', 'x'))).toMatchObject({
          kind: 'dead-letter',
          reason: 'invalid',
        });
        expect(judged(new PermanentError('x'))).toMatchObject({
          kind: 'dead-letter',
          reason: 'permanent-error',
        });
      }),
    );
  });

  it('knows whether a race was lost without throwing', () => {
    fc.assert(
      fc.property(thrown, (make) => {
        expect(typeof isContention(make())).toBe('boolean');
      }),
    );
  });
});
