/**
 * What JSON leaves as it is and a terminal or a log viewer acts on: DEL and the C1 controls (one of them starts escape
 * sequences), line separators, and the marks that turn the direction of text around.
 */
const UNSAFE = /[\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g;

/** An escaped character takes at most six: `\u001b`. */
const WIDEST = 6;

/** The text without characters that forge or hide lines; JSON escapes the rest. */
export function escapeUnsafe(text: string): string {
  return text.replace(UNSAFE, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

/** The beginning of the text, as much as takes at most `maxBytes` once written as JSON. Says how much was cut. */
export function cutText(text: string, maxBytes: number): string {
  if (text.length * WIDEST <= maxBytes || jsonBytes(text) <= maxBytes) return text;
  const note = (left: number): string => `… (${String(text.length - left)} more characters)`;
  const room = maxBytes - Buffer.byteLength(note(0));
  let [fits, tooMuch] = [0, Math.min(text.length, Math.max(room, 0)) + 1];
  while (tooMuch - fits > 1) {
    const middle = (fits + tooMuch) >> 1;
    if (jsonBytes(text.slice(0, middle)) <= room) fits = middle;
    else tooMuch = middle;
  }
  return text.slice(0, fits) + note(fits);
}

function jsonBytes(text: string): number {
  return Buffer.byteLength(JSON.stringify(text)) - 2;
}
