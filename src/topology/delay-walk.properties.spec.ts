import fc from 'fast-check';
import { LADDER, nextTier } from './delay-walk';

const TEN_YEARS_MS = 3_650 * 86_400_000;
const SHORTEST = 1_000;
/** What an own tier or a rest of the ladder may be late. */
const TOLERANCE = 0.1;

const delay = fc.oneof(fc.integer({ min: 0, max: 100_000 }), fc.integer({ min: 0, max: TEN_YEARS_MS }));
const tiers = fc
  .uniqueArray(fc.integer({ min: 1, max: 100_000_000 }), { maxLength: 5 })
  .map((all) => new Set(all));

/** The tiers a copy waits in, one after the other. */
function walk(delayMs: number, own: ReadonlySet<number>): number[] {
  const hops: number[] = [];
  for (let left = delayMs; left > 0 || hops.length === 0; left -= hops.at(-1)!) {
    hops.push(nextTier(left, own));
    if (hops.length > 1_000) throw new Error(`the walk of ${delayMs} does not end`);
  }
  return hops;
}

describe('the walk over the delay tiers', () => {
  it('ends, never early, and late by a tenth of the last rest or a second at most', () => {
    fc.assert(
      fc.property(delay, tiers, (delayMs, own) => {
        const hops = walk(delayMs, own);
        const waited = hops.reduce((sum, hop) => sum + hop, 0);
        const rest = delayMs - hops.slice(0, -1).reduce((sum, hop) => sum + hop, 0);
        expect(hops.filter((hop) => !own.has(hop) && !LADDER.includes(hop))).toEqual([]);
        expect(waited).toBeGreaterThanOrEqual(delayMs);
        expect(waited - delayMs).toBeLessThanOrEqual(Math.max(SHORTEST, rest * TOLERANCE));
      }),
      { numRuns: 500 },
    );
  });

  it('takes few hops: weeks as they are, then no rung of the ladder more than a few times', () => {
    fc.assert(
      fc.property(delay, (delayMs) => {
        const hops = walk(delayMs, new Set());
        const longest = LADDER.at(-1)!;
        expect(hops.length).toBeLessThanOrEqual(Math.floor(delayMs / longest) + 2 * LADDER.length);
        // From long to short: what is left never needs a longer tier than what it is left of.
        expect(hops).toEqual([...hops].sort((a, b) => b - a));
      }),
      { numRuns: 500 },
    );
  });

  it('is one hop for a delay that has a tier of its own, and for every rung', () => {
    fc.assert(
      fc.property(tiers, (own) => {
        for (const tier of [...own, ...LADDER]) expect(walk(tier, own)).toEqual([tier]);
      }),
    );
  });
});
