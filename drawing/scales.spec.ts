import * as fc from 'fast-check';
import { roundTicks, roundUp, timeTicks } from './scales';

describe('scales', () => {
  it.each([
    [0, 1],
    [0.3, 1],
    [1, 1],
    [1.2, 2],
    // 2.5 messages are none.
    [2.1, 5],
    [21, 25],
    [99, 100],
    [617, 1_000],
    [2_400, 2_500],
  ])('rounds a step of %d up to %d', (value, expected) => {
    expect(roundUp(value)).toBe(expected);
  });

  it.each([
    [0, [0, 1]],
    [573, [0, 100, 200, 300, 400, 500, 600]],
    [600, [0, 100, 200, 300, 400, 500, 600]],
    [3_700, [0, 1_000, 2_000, 3_000, 4_000]],
  ])('puts round ticks up to %d', (highest, expected) => {
    expect(roundTicks(highest, 6)).toEqual(expected);
  });

  it('reaches every value, with few whole ticks and less than a step to spare', () => {
    fc.assert(
      fc.property(fc.double({ min: 0.01, max: 1e9, noNaN: true }), (highest) => {
        const ticks = roundTicks(highest, 6);
        expect(ticks.length).toBeLessThanOrEqual(7);
        expect(ticks.every(Number.isInteger)).toBe(true);
        expect(ticks.at(-1)).toBeGreaterThanOrEqual(highest);
        expect(ticks.at(-2)).toBeLessThan(highest);
      }),
    );
  });

  it.each([
    [10_000, 1_000, 11],
    [120_000, 10_000, 13],
    // One more than there is room for, were it every ten seconds.
    [130_000, 15_000, 9],
    [20 * 60_000, 120_000, 11],
    [3 * 3_600_000, 15 * 60_000, 13],
    [30 * 24 * 3_600_000, 5 * 24 * 3_600_000, 7],
  ])('divides %d ms as a clock does', (lengthMs, step, ticks) => {
    const times = timeTicks(lengthMs, 13);
    expect(times).toHaveLength(ticks);
    expect(times[1]).toBe(step);
  });
});
