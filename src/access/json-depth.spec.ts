import { isDeeperThan } from './json-depth';

const nested = (depth: number): unknown => JSON.parse('['.repeat(depth) + ']'.repeat(depth));

describe('isDeeperThan', () => {
  it.each([
    [1, 0, true],
    [1, 1, false],
    [2, 1, true],
    [100, 100, false],
    [101, 100, true],
    [200_000, 100, true],
  ])('%d levels against a limit of %d: %s', (depth, limit, deeper) => {
    expect(isDeeperThan(nested(depth), limit)).toBe(deeper);
  });

  it.each([[null], ['text'], [1], [undefined]])('%j has no depth', (value) => {
    expect(isDeeperThan(value, 0)).toBe(false);
  });

  it('looks into objects as into lists', () => {
    expect(isDeeperThan({ a: [{ b: {} }] }, 3)).toBe(true);
    expect(isDeeperThan({ a: [{ b: 1 }] }, 3)).toBe(false);
  });
});
