/**
 * The delays every namespace can walk over, in milliseconds. A policy's own delays have a tier each (one hop); any other
 * delay is walked from tier to tier by its due time.
 */
export const LADDER: readonly number[] = [
  1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1_200, 1_800, 3_600, 7_200, 21_600, 43_200, 86_400, 604_800,
].map((seconds) => seconds * 1_000);

const SHORTEST = 1_000;
/** Being this much late, relative to what is left, is worth one hop less. */
const TOLERANCE = 0.1;

/** The tier for the next hop: never early at the end, and few hops. */
export function nextTier(remainingMs: number, ownTiers: ReadonlySet<number>): number {
  if (ownTiers.has(remainingMs)) return remainingMs;
  if (remainingMs <= SHORTEST) return SHORTEST;
  const above = LADDER.find((tier) => tier >= remainingMs);
  if (above !== undefined && above - remainingMs <= remainingMs * TOLERANCE) return above;
  return LADDER.findLast((tier) => tier <= remainingMs) ?? SHORTEST;
}
