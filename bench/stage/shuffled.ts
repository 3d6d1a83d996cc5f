const SEED = 41;

/** In a random order that is the same every time, so that runs can be compared. */
export function shuffled<T>(items: readonly T[]): T[] {
  const mixed = [...items];
  let state = SEED;
  for (let last = mixed.length - 1; last > 0; last--) {
    // A linear congruential generator; its high bits are good enough to mix a queue.
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    const other = Math.floor((state / 2 ** 32) * (last + 1));
    [mixed[last], mixed[other]] = [mixed[other]!, mixed[last]!];
  }
  return mixed;
}
