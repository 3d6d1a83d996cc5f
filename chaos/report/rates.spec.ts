import * as fc from 'fast-check';
import type { Sample } from './journal';
import { steadySamples } from './made-up';
import { rateBetween, smoothedRates } from './rates';

const samplesOf = (...points: readonly (readonly [at: number, confirmed: number])[]): Sample[] =>
  points.map(([at, confirmed]) => ({ at, confirmed, settled: 0, backlog: 0, ready: 3 }));

describe('rates', () => {
  const uneven = samplesOf([1_000, 0], [2_000, 100], [4_000, 100], [5_000, 400]);

  it.each([
    ['a whole step', 1_000, 2_000, 100],
    ['half a step', 1_000, 1_500, 100],
    ['a standstill', 2_000, 4_000, 0],
    ['across steps', 1_000, 5_000, 100],
    ['parts of two steps', 3_500, 4_500, 150],
    ['beyond both ends', -9_000, 99_000, 100],
    ['before the first sample', 0, 1_000, undefined],
    ['after the last sample', 5_000, 6_000, undefined],
  ])('takes the mean over %s', (_, from, to, expected) => {
    const rate = rateBetween(uneven, 'confirmed', from, to);
    if (expected === undefined) expect(rate).toBeUndefined();
    else expect(rate).toBeCloseTo(expected, 6);
  });

  it('knows nothing from fewer than two samples', () => {
    expect(rateBetween([], 'confirmed', 0, 1_000)).toBeUndefined();
    expect(rateBetween(samplesOf([500, 7]), 'confirmed', 0, 1_000)).toBeUndefined();
    expect(smoothedRates([], 'confirmed', { stepMs: 10, windowMs: 100 })).toEqual([]);
  });

  it('is never negative: a counter that begins again says nothing', () => {
    expect(rateBetween(samplesOf([0, 900], [1_000, 0]), 'confirmed', 0, 1_000)).toBe(0);
  });

  it('smooths nothing that is smooth, up to both ends', () => {
    const rates = smoothedRates(steadySamples(60, 250), 'settled', { stepMs: 500, windowMs: 8_000 });
    expect(rates).toHaveLength(121);
    for (const { perSecond } of rates) expect(perSecond).toBeCloseTo(250, 6);
  });

  it('loses no message: the means of adjoining windows add up to all of them', () => {
    const steps = fc.array(fc.tuple(fc.integer({ min: 1, max: 5_000 }), fc.nat(10_000)), { minLength: 1 });
    fc.assert(
      fc.property(steps, fc.double({ min: 0.01, max: 0.99, noNaN: true }), (grown, share) => {
        let [at, confirmed] = [0, 0];
        const samples = samplesOf(
          [0, 0],
          ...grown.map(([ms, messages]) => [(at += ms), (confirmed += messages)] as const),
        );
        const middle = at * share;
        const left = (rateBetween(samples, 'confirmed', 0, middle)! * middle) / 1_000;
        const right = (rateBetween(samples, 'confirmed', middle, at)! * (at - middle)) / 1_000;
        expect(left + right).toBeCloseTo(confirmed, 3);
      }),
    );
  });
});
