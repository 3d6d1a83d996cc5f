import fc from 'fast-check';
import { anything } from '../../test/support/hostile-values';
import { examinable } from '../message/message.module';
import { delayAfter, longestPath, readRetryPolicy, type RetryPolicy } from './retry-schedule';

const ms = fc.oneof(fc.integer({ min: 1, max: 20_000 }), fc.integer({ min: 1, max: 10_000_000 }));
const jitter = fc.oneof(fc.double({ min: 0, max: 1, noNaN: true }), fc.constantFrom(0.001, 0.01, 0.1));
const attempts = fc.integer({ min: 1, max: 100 });
const chance = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });

const policy: fc.Arbitrary<RetryPolicy> = fc.oneof(
  fc.constant(false as const),
  fc.record({ delays: fc.array(ms, { minLength: 1, maxLength: 10 }), jitter }),
  fc.record({ delay: ms, attempts, jitter }),
  fc
    .record({
      initial: ms,
      factor: fc.double({ min: 1, max: 10, noNaN: true }),
      attempts,
      jitter,
      longer: fc.nat(100_000_000),
    })
    .map(({ longer, ...rest }) => ({ ...rest, max: rest.initial + longer })),
);

/** The delay before each further try, when every draw comes out the same. */
function delays(one: RetryPolicy, random: number): number[] {
  const schedule = readRetryPolicy(one);
  return Array.from({ length: schedule.attempts - 1 }, (_, i) => delayAfter(schedule, i + 1, () => random)!);
}

describe('a retry policy', () => {
  it('is as many delays as it has further tries, and none after the last', () => {
    fc.assert(
      fc.property(policy, chance, fc.nat(5), (one, random, beyond) => {
        const schedule = readRetryPolicy(one);
        expect(schedule.lanes).toHaveLength(schedule.attempts - 1);
        expect(delays(one, random).every((delay) => Number.isSafeInteger(delay) && delay >= 1)).toBe(true);
        expect(delayAfter(schedule, schedule.attempts + beyond)).toBeUndefined();
      }),
    );
  });

  it('is never shortened by jitter, and lengthened by no more than it says and a tenth of a second', () => {
    fc.assert(
      fc.property(policy, chance, (one, random) => {
        fc.pre(one !== false);
        const exact = delays({ ...one, jitter: 0 }, 0);
        const share = one.jitter ?? 0;
        for (const [i, delay] of delays(one, random).entries()) {
          expect(delay).toBeGreaterThanOrEqual(exact[i]!);
          expect(delay).toBeLessThanOrEqual(Math.ceil(exact[i]! * (1 + share)) + 100);
        }
      }),
    );
  });

  it('that grows never shrinks, and stays below its ceiling', () => {
    fc.assert(
      fc.property(
        ms,
        fc.nat(10_000_000),
        fc.double({ min: 1, max: 10, noNaN: true }),
        attempts,
        (initial, longer, factor, tries) => {
          const grown = delays({ initial, max: initial + longer, factor, attempts: tries }, 0);
          expect(grown).toEqual([...grown].sort((a, b) => a - b));
          if (grown.length > 0) expect(grown[0]).toBe(initial);
          for (const delay of grown) expect(delay).toBeLessThanOrEqual(initial + longer);
        },
      ),
    );
  });

  it('has a longest path that no draw outlasts', () => {
    fc.assert(
      fc.property(policy, chance, (one, random) => {
        const path = delays(one, random).reduce((sum, delay) => sum + delay, 0);
        expect(path).toBeLessThanOrEqual(longestPath(readRetryPolicy(one)));
      }),
    );
  });

  it('of any other shape is refused in words', () => {
    const shape = fc.record(
      Object.fromEntries(
        ['delays', 'delay', 'initial', 'max', 'factor', 'attempts', 'jitter', 'typo'].map((key) => [
          key,
          anything(),
        ]),
      ),
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(shape, (parts) => {
        const one = Object.fromEntries(Object.entries(parts).map(([key, part]) => [key, part?.make()]));
        let said: unknown = 'nothing';
        try {
          const schedule = readRetryPolicy(one as unknown as RetryPolicy);
          expect(schedule.attempts).toBeLessThanOrEqual(100);
        } catch (error) {
          said = examinable(error);
        }
        if (said !== 'nothing') expect(said).toBeInstanceOf(Error);
      }),
    );
  });
});
