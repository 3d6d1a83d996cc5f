import fc from 'fast-check';
import { anything } from '../../test/support/hostile-values';
import { describeError, examinable } from './describe-error';
import { Discard, Rejected, RetryLater } from './failures';
import type { DeadLetterReason } from './outcome';

/** Handlers are written in plain JavaScript as well, where anything goes for a reason. */
const loosely = <T>(make: new (...args: never[]) => T, ...args: unknown[]): T =>
  Reflect.construct(make, args) as T;

describe('Discard', () => {
  it.each([
    ['too old', 'too old'],
    [undefined, 'no reason given'],
    [null, 'no reason given'],
    ['', 'no reason given'],
    [409, '409'],
    [{ code: 7 }, '{"code":7}'],
    [new Error('too old'), 'Error: too old'],
  ])('of %p says %p', (reason, words) => {
    expect(loosely(Discard, reason)).toMatchObject({ reason: words, message: words });
  });

  it('has a reason of bounded length that is well-formed, whatever it is given', () => {
    fc.assert(
      fc.property(anything(), ({ make }) => {
        const { reason } = loosely(Discard, make());
        expect(reason.length).toBeGreaterThan(0);
        expect(reason.length).toBeLessThanOrEqual(1_000);
        expect(reason.isWellFormed()).toBe(true);
      }),
    );
  });
});

describe('Rejected', () => {
  it('keeps a reason that dead letters have', () => {
    expect(new Rejected('malformed', 'no')).toMatchObject({ deadLetterReason: 'malformed', message: 'no' });
  });

  it.each([[undefined], ['because'], ['toString'], ['__proto__'], [7], [Symbol('x')]])(
    'of %p, which no dead letter has, is a permanent error',
    (reason) => {
      const expected: DeadLetterReason = 'permanent-error';
      expect(loosely(Rejected, reason, 'no')).toMatchObject({ deadLetterReason: expected, message: 'no' });
    },
  );
});

describe('RetryLater', () => {
  it('has a delay in whole milliseconds within ten years, or cannot be made', () => {
    fc.assert(
      fc.property(anything(), ({ make }) => {
        const made = attempt(() => loosely(RetryLater, make()));
        if (made instanceof RetryLater) {
          expect(Number.isSafeInteger(made.delayMs)).toBe(true);
          expect(made.delayMs).toBeGreaterThanOrEqual(0);
          expect(made.delayMs).toBeLessThanOrEqual(3_650 * 86_400_000);
        } else expect(describeError(made).name).toMatch(/^(Range|Type)?Error$|^NonError$/);
      }),
    );
  });
});

function attempt(make: () => unknown): unknown {
  try {
    return make();
  } catch (error) {
    return examinable(error);
  }
}
