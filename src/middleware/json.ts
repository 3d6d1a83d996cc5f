import { Rejected } from '../message/message.module';

const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/**
 * The value of a JSON text, as `JSON.parse` gives it: numbers beyond 2^53 lose digits, `1e400` is Infinity, the last of
 * several equal keys wins, and a key `__proto__` is an ordinary property of its own object (no prototype changes; nothing
 * here merges objects, and nobody should merge an untrusted one).
 * @throws Rejected `malformed` when it is not JSON, `too-large` when it is nested deeper than `maxDepth`.
 */
export function readJson(text: string, maxDepth: number): unknown {
  if (text.length === 0) {
    throw new Rejected('malformed', 'the body is empty; JSON needs at least one value, like null');
  }
  // Before parsing: JSON.parse takes a depth of 200,000, and what touches the value afterwards overflows the stack.
  const tooDeep = positionBeyond(text, maxDepth);
  if (tooDeep !== undefined) {
    throw new Rejected(
      'too-large',
      `the JSON is nested deeper than the limit of ${maxDepth} levels (maxDepth), at character ${tooDeep}`,
    );
  }
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    throw new Rejected(
      'malformed',
      `the body of ${text.length} characters is not JSON: ${(error as Error).message}`,
      {
        cause: error,
      },
    );
  }
}

/** Where nesting first goes beyond `maxDepth`. For a text that is no JSON the answer means nothing; the parser refuses it. */
function positionBeyond(text: string, maxDepth: number): number | undefined {
  // Almost every message ends here: as many levels need as many brackets, opened and closed.
  if (text.length < 2 * (maxDepth + 1) || !hasMoreBrackets(text, maxDepth)) return undefined;
  let depth = 0;
  for (let i = 0; i < text.length; i++) {
    switch (text.charCodeAt(i)) {
      case QUOTE:
        i = endOfString(text, i);
        break;
      case 0x5b: // [
      case 0x7b: // {
        depth += 1;
        if (depth > maxDepth) return i;
        break;
      case 0x5d: // ]
      case 0x7d: // }
        depth -= 1;
        break;
      default:
    }
  }
  return undefined;
}

function hasMoreBrackets(text: string, limit: number): boolean {
  let count = 0;
  for (const bracket of ['{', '[']) {
    for (let at = text.indexOf(bracket); at !== -1; at = text.indexOf(bracket, at + 1)) {
      count += 1;
      if (count > limit) return true;
    }
  }
  return false;
}

/** The position of the closing quote; of the end of the text when there is none. */
function endOfString(text: string, start: number): number {
  for (let i = start + 1; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code === QUOTE) return i;
    if (code === BACKSLASH) i += 1;
  }
  return text.length;
}
