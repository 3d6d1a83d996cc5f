import { formatDuration, parseDuration } from './duration';

describe('parseDuration', () => {
  it.each([
    ['250ms', 250],
    ['10s', 10_000],
    ['1.5s', 1_500],
    ['5m', 300_000],
    ['1h30m', 5_400_000],
    ['2d', 172_800_000],
    ['1w', 604_800_000],
    ['0s', 0],
    [1234, 1234],
  ])('reads %j as %d ms', (text, ms) => {
    expect(parseDuration(text)).toBe(ms);
  });

  it.each(['', '5', '-5m', '5 M', 'ten', '10s1m', '1e3s', ' 5s', 'NaN'])('refuses %j', (text) => {
    expect(() => parseDuration(text)).toThrow(/is not a duration/);
  });

  it.each(['11y', '4000d', '99999999999w', `${'9'.repeat(400)}s`, Number.MAX_SAFE_INTEGER])(
    'refuses %j, which no clock can add',
    (value) => {
      expect(() => parseDuration(value)).toThrow(/is not a duration|at most 10 years/);
    },
  );

  it.each([-1, 1.5, NaN, Infinity])('refuses the number %d', (value) => {
    expect(() => parseDuration(value)).toThrow(/whole milliseconds/);
  });
});

describe('formatDuration', () => {
  it.each([
    [60_000, '1m'],
    [90_000, '90s'],
    [1_500, '1500ms'],
    [3_600_000, '1h'],
    [604_800_000, '7d'],
    [0, '0ms'],
  ])('writes %d as %s', (ms, text) => {
    expect(formatDuration(ms)).toBe(text);
    expect(parseDuration(text)).toBe(ms);
  });
});
