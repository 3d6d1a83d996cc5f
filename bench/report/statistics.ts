/** The middle of repeated measurements, and how far they spread. */
export interface Spread {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

/** @returns undefined for nothing at all. */
export function spreadOf(values: readonly number[]): Spread | undefined {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length / 2;
  const [min, max] = [sorted[0], sorted.at(-1)];
  const lower = sorted[Math.ceil(middle) - 1];
  const upper = sorted[Math.floor(middle)];
  if (min === undefined || max === undefined || lower === undefined || upper === undefined) return undefined;
  return { median: (lower + upper) / 2, min, max };
}

/**
 * One ratio for each round that both have: they were measured within seconds of each other, so what slows the machine slows both.
 * @param values by round; undefined where a round yielded none.
 */
export function ratioOf(
  values: readonly (number | undefined)[],
  against: readonly (number | undefined)[],
): Spread | undefined {
  return spreadOf(
    values.flatMap((value, round) => {
      const other = against[round];
      return value === undefined || other === undefined || other === 0 ? [] : [value / other];
    }),
  );
}

/** The value below which this share of the others lies. @param sorted from low to high, at least one. */
export function percentile(sorted: ArrayLike<number>, share: number): number {
  const index = Math.min(sorted.length - 1, Math.max(0, Math.ceil(share * sorted.length) - 1));
  const value = sorted[index];
  if (value === undefined) throw new Error('there is no percentile of nothing');
  return value;
}
