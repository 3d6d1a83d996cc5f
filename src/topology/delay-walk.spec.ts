import { LADDER, nextTier } from './delay-walk';

const none = new Set<number>();

describe('nextTier', () => {
  it.each([
    ['an own tier is one hop', 37_000, new Set([37_000]), 37_000],
    ['less than the shortest tier takes the shortest', 300, none, 1_000],
    ['nothing left still takes a tier rather than running early', 0, none, 1_000],
    ['a rung of the ladder is one hop', 60_000, none, 60_000],
    ['slightly less than a rung takes that rung', 58_000, none, 60_000],
    ['an odd delay starts with the largest rung below it', 37 * 60_000, none, 30 * 60_000],
    ['longer than the ladder starts with its last rung', 30 * 86_400_000, none, 604_800_000],
  ])('%s', (_, remaining, own, tier) => {
    expect(nextTier(remaining, own)).toBe(tier);
  });

  it('ends every walk, never early, at most a tenth or a second late, in few hops', () => {
    for (let delay = 1; delay < 40 * 86_400_000; delay = Math.ceil(delay * 1.37)) {
      let walked = 0;
      let hops = 0;
      while (walked < delay) {
        walked += nextTier(delay - walked, none);
        hops++;
      }
      expect(walked - delay).toBeLessThanOrEqual(Math.max(1_000, delay * 0.1));
      expect(hops).toBeLessThanOrEqual(20);
    }
    expect(LADDER).toEqual([...LADDER].sort((a, b) => a - b));
  });
});
