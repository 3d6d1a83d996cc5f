import fc from 'fast-check';
import { backoffMs } from './backoff';

const tries = fc.integer({ min: 1, max: 1_000_000 });
const chance = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
const wait = fc.tuple(fc.integer({ min: 1, max: 60_000 }), fc.integer({ min: 1, max: 3_600_000 }));

describe('backoffMs', () => {
  it('is at least half of what it would be without jitter, and never beyond the ceiling', () => {
    fc.assert(
      fc.property(tries, wait, chance, (n, [initial, ceiling], random) => {
        const full = backoffMs(n, initial, ceiling, () => 0);
        const ms = backoffMs(n, initial, ceiling, () => random);
        expect(full).toBeLessThanOrEqual(ceiling);
        expect(ms).toBeLessThanOrEqual(full);
        expect(ms).toBeGreaterThanOrEqual(Math.floor(full / 2));
        expect(Number.isSafeInteger(ms)).toBe(true);
      }),
    );
  });

  it('never shrinks from one try to the next, by the same jitter, and doubles below the ceiling', () => {
    fc.assert(
      fc.property(tries, wait, chance, (n, [initial, ceiling], random) => {
        const [now, next] = [n, n + 1].map((one) => backoffMs(one, initial, ceiling, () => random));
        expect(next).toBeGreaterThanOrEqual(now!);
        if (initial * 2 ** n <= ceiling)
          expect(backoffMs(n + 1, initial, ceiling, () => 0)).toBe(initial * 2 ** n);
      }),
    );
  });
});
