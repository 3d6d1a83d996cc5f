/** Milliseconds to wait before try `n` (from 1): doubles from `initial` to `ceiling`; jitter takes up to half of it off. */
export function backoffMs(n: number, initial = 200, ceiling = 15_000, random = Math.random): number {
  const full = Math.min(ceiling, initial * 2 ** Math.min(n - 1, 20));
  return Math.round(full * (1 - random() / 2));
}
