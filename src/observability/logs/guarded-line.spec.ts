import { guardedLine, MAX_LINE_BYTES } from './guarded-line';

const line = (fields: object): string => `${JSON.stringify(fields)}\n`;

describe('guardedLine', () => {
  it('leaves an ordinary line alone', () => {
    const ordinary = line({ level: 'info', msg: 'orders: completed', durationMs: 3.2 });
    expect(guardedLine(ordinary)).toBe(ordinary);
  });

  it('keeps one event on one line, whatever it says', () => {
    const guarded = guardedLine(line({ msg: 'a\r\n{"level":"fatal"}\u001b[31m\u0000\u2028\u202eb' }));
    expect(guarded.trimEnd()).not.toMatch(/[\p{Cc}\u2028\u202e]/u);
    expect(JSON.parse(guarded)).toEqual({ msg: 'a\r\n{"level":"fatal"}\u001b[31m\u0000\u2028\u202eb' });
  });

  it.each([
    ['one huge value', { msg: 'x'.repeat(1_000_000) }],
    [
      'many values',
      {
        msg: 'm',
        ...Object.fromEntries(Array.from({ length: 5_000 }, (_, i) => [`k${String(i)}`, 'v'.repeat(50)])),
      },
    ],
    ['many large values', { msg: 'm', list: Array.from({ length: 500 }, () => 'v'.repeat(5_000)) }],
    ['large names', { msg: 'm', ['k'.repeat(100_000)]: 1 }],
    ['nesting', { msg: 'm', a: { b: { c: { d: { e: 'x'.repeat(50_000) } } } } }],
    ['escapes', { msg: '\u0000'.repeat(100_000) }],
  ])('keeps a line with %s within its limit and readable', (_, fields) => {
    const guarded = guardedLine(line({ level: 'info', queue: 'orders', ...fields }));
    expect(Buffer.byteLength(guarded)).toBeLessThanOrEqual(MAX_LINE_BYTES);
    expect(guarded.endsWith('\n')).toBe(true);
    expect(JSON.parse(guarded)).toMatchObject({ level: 'info', queue: 'orders', cut: true });
  });
});
