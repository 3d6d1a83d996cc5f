/** `'250ms'`, `'10s'`, `'5m'`, `'1h30m'`, `'2d'`, `'1w'`, or a number of milliseconds. */
export type Duration = string | number;

const UNITS = { w: 604_800_000, d: 86_400_000, h: 3_600_000, m: 60_000, s: 1_000, ms: 1 } as const;
const PATTERN = /^(?:(\d+)w)?(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m(?!s))?(?:(\d+(?:\.\d+)?)s)?(?:(\d+)ms)?$/;
/** Beyond it a due time is no date that JavaScript or a reader could make sense of. */
const LONGEST_MS = 3_650 * UNITS.d;
const FACTORS = [UNITS.w, UNITS.d, UNITS.h, UNITS.m, UNITS.s, UNITS.ms];

/**
 * Milliseconds of a duration.
 * @throws RangeError naming the value, when it is not a duration: no unit, negative, unknown unit or order, more than 10 years.
 */
export function parseDuration(value: Duration): number {
  if (typeof value === 'number') {
    if (Number.isSafeInteger(value) && value >= 0) return bounded(value, value);
    throw new RangeError(
      `${String(value)} is not a duration: a number must be whole milliseconds, 0 or more`,
    );
  }
  const match = typeof value === 'string' && value !== '' ? PATTERN.exec(value) : null;
  if (!match) {
    throw new RangeError(
      `${JSON.stringify(value)} is not a duration: write a number with a unit, like "250ms", "10s", "5m", "1h30m" or "2d"`,
    );
  }
  const total = FACTORS.reduce((sum, factor, i) => sum + Number(match[i + 1] ?? 0) * factor, 0);
  return bounded(Math.round(total), value);
}

function bounded(ms: number, value: Duration): number {
  if (ms <= LONGEST_MS) return ms;
  throw new RangeError(`${String(value)} is too long: a duration is at most 10 years`);
}

/** The shortest way to write a duration in one unit: 60000 → `1m`, 90000 → `90s`, 1500 → `1500ms`. */
export function formatDuration(ms: number): string {
  for (const [unit, factor] of Object.entries(UNITS)) {
    if (unit !== 'w' && ms >= factor && ms % factor === 0) return `${String(ms / factor)}${unit}`;
  }
  return `${String(ms)}ms`;
}
