import * as fc from 'fast-check';
import { percentile, ratioOf, spreadOf } from './statistics';

describe('statistics', () => {
  it.each([
    [[5], { median: 5, min: 5, max: 5 }],
    [[3, 1, 2], { median: 2, min: 1, max: 3 }],
    [[4, 1, 3, 2], { median: 2.5, min: 1, max: 4 }],
    [[], undefined],
  ])('finds the spread of %j', (values, expected) => {
    expect(spreadOf(values)).toEqual(expected);
  });

  it('keeps the median between the lowest and the highest, in whatever order they came', () => {
    fc.assert(
      fc.property(fc.array(fc.double({ noNaN: true, min: -1e9, max: 1e9 }), { minLength: 1 }), (values) => {
        const spread = spreadOf(values)!;
        expect(spread).toEqual(spreadOf([...values].reverse()));
        expect(spread.min).toBeLessThanOrEqual(spread.median);
        expect(spread.median).toBeLessThanOrEqual(spread.max);
      }),
    );
  });

  it.each([
    ['round by round, so that a slow round of both is no difference', [10, 100], [5, 50], 2, 2],
    ['only of rounds that both have', [10, undefined, 30], [5, 7, 10], 2, 3],
    ['not of a baseline of nothing', [10, 20], [0, 10], 2, 2],
  ])('makes a ratio %s', (_, values, against, min, max) => {
    expect(ratioOf(values, against)).toMatchObject({ min, max });
  });

  it('has no ratio where no round has both', () => {
    expect(ratioOf([1, undefined], [undefined, 2])).toBeUndefined();
    expect(ratioOf([1], [])).toBeUndefined();
  });

  it.each([
    [0.5, 50],
    [0.99, 99],
    [1, 100],
    [0, 1],
  ])('finds the percentile %d of 1 to 100', (share, expected) => {
    expect(
      percentile(
        Array.from({ length: 100 }, (__, index) => index + 1),
        share,
      ),
    ).toBe(expected);
  });
});
