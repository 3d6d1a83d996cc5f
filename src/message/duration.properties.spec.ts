import fc from 'fast-check';
import { anything } from '../../test/support/hostile-values';
import { examinable } from './describe-error';
import { formatDuration, parseDuration, type Duration } from './duration';

const TEN_YEARS_MS = 3_650 * 86_400_000;
const UNIT_MS = { w: 604_800_000, d: 86_400_000, h: 3_600_000, m: 60_000, s: 1_000, ms: 1 } as const;
/** Any, and those next to whole units. */
const ms = fc.oneof(
  fc.integer({ min: 0, max: TEN_YEARS_MS }),
  fc
    .tuple(fc.constantFrom(...Object.values(UNIT_MS)), fc.nat(500), fc.integer({ min: -1, max: 1 }))
    .map(([unit, times, beside]) => Math.max(0, unit * times + beside)),
);

describe('durations', () => {
  it('are read as they are written', () => {
    fc.assert(
      fc.property(ms, (one) => {
        expect(parseDuration(formatDuration(one))).toBe(one);
        expect(parseDuration(one)).toBe(one);
      }),
    );
  });

  it('are written in one unit, the largest that fits', () => {
    fc.assert(
      fc.property(fc.constantFrom(...Object.values(UNIT_MS)), fc.nat(300), (unit, times) => {
        const written = formatDuration(unit * times);
        expect(written).toMatch(/^\d+(d|h|m|s|ms)$/);
        const [, digits, name] = /^(\d+)(\w+)$/.exec(written)!;
        const units: Readonly<Record<string, number>> = UNIT_MS;
        const larger = Object.entries(units).filter(([key, factor]) => key !== 'w' && factor > units[name!]!);
        if (Number(digits) > 0) for (const [, factor] of larger) expect((unit * times) % factor).not.toBe(0);
      }),
    );
  });

  it('add up their units, in their order', () => {
    const parts = fc.tuple(...Object.keys(UNIT_MS).map(() => fc.option(fc.nat(99), { nil: undefined })));
    fc.assert(
      fc.property(parts, (amounts) => {
        const units = Object.entries(UNIT_MS);
        const text = units
          .map(([unit], i) => (amounts[i] === undefined ? '' : `${amounts[i]}${unit}`))
          .join('');
        fc.pre(text !== '');
        expect(parseDuration(text)).toBe(
          units.reduce((sum, [, factor], i) => sum + (amounts[i] ?? 0) * factor, 0),
        );
      }),
    );
  });

  it('are whole milliseconds within ten years, or refused by name', () => {
    const text = fc.oneof(
      fc.string(),
      fc.stringMatching(/^\d{1,20}(w|d|h|m|s|ms|y|)$/),
      fc.stringMatching(/^-?\d+\.\d+s$/),
    );
    fc.assert(
      fc.property(fc.oneof(text, fc.double(), anything()), (value) => {
        const given = typeof value === 'object' ? value.make() : value;
        const read = attempt(() => parseDuration(given as Duration));
        if (typeof read === 'number') {
          expect(Number.isSafeInteger(read)).toBe(true);
          expect(read).toBeGreaterThanOrEqual(0);
          expect(read).toBeLessThanOrEqual(TEN_YEARS_MS);
        } else if (typeof given === 'string' || typeof given === 'number') {
          expect(read).toBeInstanceOf(RangeError);
          expect((read as RangeError).message).toMatch(/duration/);
        } else expect(read).toBeInstanceOf(Error);
      }),
      { numRuns: 300 },
    );
  });
});

function attempt(read: () => unknown): unknown {
  try {
    return read();
  } catch (error) {
    return examinable(error);
  }
}
