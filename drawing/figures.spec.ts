import { clock, count, counted, duration, median, oneLine, printable, shorten } from './figures';

describe('figures', () => {
  it.each([
    [0, '0'],
    [999, '999'],
    [48_210, '48 210'],
    [1_234_567.6, '1 234 568'],
  ])('counts %d as %s', (number, text) => {
    expect(count(number)).toBe(text);
  });

  it.each([
    [-1, '00:00'],
    [999, '00:00'],
    [75_000, '01:15'],
    [3_599_999, '59:59'],
    [3_675_000, '1:01:15'],
  ])('shows %d ms on the clock as %s', (ms, text) => {
    expect(clock(ms)).toBe(text);
  });

  it.each([
    [0, '0.0 s'],
    [3_240, '3.2 s'],
    [59_940, '59.9 s'],
    [59_960, '1 min 0 s'],
    [75_000, '1 min 15 s'],
    [119_600, '2 min 0 s'],
  ])('says that %d ms last %s', (ms, text) => {
    expect(duration(ms)).toBe(text);
  });

  it.each([
    [[], undefined],
    [[7], 7],
    [[30, 10, 20], 20],
    [[4, 1, 3, 2], 2.5],
    // By size, not by spelling.
    [[100, 9, 20], 20],
  ])('finds the median of %j', (values, expected) => {
    expect(median(values)).toBe(expected);
  });

  it('counts nouns', () => {
    expect(counted(1, 'fault')).toBe('1 fault');
    expect(counted(0, 'process', 'processes')).toBe('0 processes');
  });

  it.each([
    ['plain', 'plain'],
    ['\x1b[1mUsage\x1b[0m  two', 'Usage two'],
    ['a\r\nb\tc\x07 ', 'a b c'],
    ['[1] stays', '[1] stays'],
  ])('makes one line of %j', (text, line) => {
    expect(oneLine(text)).toBe(line);
  });

  it('keeps the lines of a history, and no control character in them', () => {
    expect(printable('one\n  \x1b[31mtwo\x1b[0m\r\nthree')).toBe('one\n  two \nthree');
  });

  it('shortens only what is too long, and then to the length allowed', () => {
    expect(shorten('12345', 5)).toBe('12345');
    expect(shorten('123456', 5)).toBe('12...');
  });
});
