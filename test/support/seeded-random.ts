import { randomInt } from 'node:crypto';

/** Numbers from 0 up to 1 that come again with the same TEST_SEED; a test that uses it prints its seed. */
export function seededRandom(): { seed: number; random: () => number } {
  const seed = Number(process.env['TEST_SEED'] ?? randomInt(2 ** 31));
  let state = seed >>> 0;
  // mulberry32
  const random = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  return { seed, random };
}
