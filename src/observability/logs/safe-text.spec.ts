import { cutText, escapeUnsafe } from './safe-text';

describe('escapeUnsafe', () => {
  it.each([
    ['a C1 control that starts an escape sequence', 'a\u009b31mb', 'a\\u009b31mb'],
    ['a mark that turns the direction around', 'user\u202egpj.exe', 'user\\u202egpj.exe'],
    ['a line separator', 'a\u2028b', 'a\\u2028b'],
    ['a byte order mark', '\ufeffa', '\\ufeffa'],
    ['DEL', 'a\u007fb', 'a\\u007fb'],
  ])('writes %s as its number', (_, text, expected) => {
    expect(escapeUnsafe(text)).toBe(expected);
  });

  it.each(['plain', 'Grüße', '订单 42', '🙂'])('leaves %s alone', (text) => {
    expect(escapeUnsafe(text)).toBe(text);
  });
});

describe('cutText', () => {
  const written = (text: string): number => Buffer.byteLength(JSON.stringify(text)) - 2;

  it.each(['', 'short', 'x'.repeat(100)])('leaves %j alone', (text) => {
    expect(cutText(text, 100)).toBe(text);
  });

  it('says how much it left out', () => {
    expect(cutText('x'.repeat(1000), 100)).toMatch(/^x{70,80}… \(92\d more characters\)$/);
  });

  it.each([
    ['wide characters', '订'.repeat(500)],
    ['characters that JSON escapes', '\u0000\n"'.repeat(500)],
    ['halves of pairs', '\ud83d'.repeat(500)],
    ['pairs', '🙂'.repeat(500)],
  ])('keeps %s within the bytes they take in JSON', (_, text) => {
    const cut = cutText(text, 200);
    expect(written(cut)).toBeLessThanOrEqual(200);
    expect(written(cut)).toBeGreaterThan(150);
  });
});
