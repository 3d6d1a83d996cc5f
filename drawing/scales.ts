/* Where round numbers lie on an axis. */

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const TIME_STEPS = [
  ...[1, 2, 5, 10, 15, 30].map((seconds) => seconds * SECOND),
  ...[1, 2, 5, 10, 15, 30].map((minutes) => minutes * MINUTE),
  ...[1, 2, 3, 6, 12, 24, 48, 120, 240].map((hours) => hours * HOUR),
];

/** The smallest of 1, 2, 2.5 and 5 times a power of ten that is no less, and whole. */
export function roundUp(value: number): number {
  if (value <= 1) return 1;
  const power = 10 ** Math.floor(Math.log10(value));
  const factor = [1, 2, 2.5, 5, 10].find(
    (candidate) => candidate * power >= value && Number.isInteger(candidate * power),
  );
  return (factor ?? 10) * power;
}

/** From 0 in even round steps, about so many of them, up to the highest value or just above. */
export function roundTicks(highest: number, steps: number): number[] {
  const step = roundUp(highest / steps);
  const needed = Math.max(1, Math.ceil(highest / step));
  return Array.from({ length: needed + 1 }, (_, index) => index * step);
}

/** From 0 on, at most so many, in steps that a clock has. */
export function timeTicks(lengthMs: number, most: number): number[] {
  const step = TIME_STEPS.find((candidate) => lengthMs / candidate < most) ?? TIME_STEPS.at(-1) ?? HOUR;
  return Array.from({ length: Math.floor(lengthMs / step) + 1 }, (_, index) => index * step);
}
