import { isAscii } from 'node:buffer';
import { TextDecoder } from 'node:util';
import { Rejected } from '../message/message.module';

type Charset = 'utf-8' | 'utf-16le' | 'latin1' | 'ascii';

const CHARSETS: ReadonlyMap<string, Charset> = new Map([
  ['utf-8', 'utf-8'],
  ['utf8', 'utf-8'],
  ['utf-16le', 'utf-16le'],
  ['utf16le', 'utf-16le'],
  ['latin1', 'latin1'],
  ['iso-8859-1', 'latin1'],
  ['us-ascii', 'ascii'],
  ['ascii', 'ascii'],
]);

/** Fatal: a broken sequence must not turn silently into U+FFFD. A byte order mark is taken off. */
const UTF_8 = new TextDecoder('utf-8', { fatal: true });
const UTF_16LE = new TextDecoder('utf-16le', { fatal: true });

/** @param name in lower case. */
export function isCharset(name: string): boolean {
  return CHARSETS.has(name);
}

/**
 * The text of a body. No charset means UTF-8.
 * @throws Rejected `malformed` for a charset nobody here knows and for bytes that are not of it.
 */
export function readText(body: Buffer, charset = 'utf-8'): string {
  const known = CHARSETS.get(charset.toLowerCase());
  switch (known) {
    case 'utf-8':
      return decodeFatally(UTF_8, body, known);
    case 'utf-16le':
      return decodeFatally(UTF_16LE, body, known);
    case 'latin1':
      return body.toString('latin1');
    case 'ascii': {
      if (isAscii(body)) return body.toString('latin1');
      const beyond = body.findIndex((byte) => byte > 0x7f);
      throw new Rejected(
        'malformed',
        `the body is not ASCII: broken at byte ${beyond} (${hex(body, beyond)})`,
      );
    }
    case undefined:
      throw new Rejected(
        'malformed',
        `charset ${JSON.stringify(charset.slice(0, 60))} is not supported; supported are ${[...CHARSETS.keys()].join(', ')}`,
      );
  }
}

function decodeFatally(decoder: TextDecoder, body: Buffer, charset: 'utf-8' | 'utf-16le'): string {
  try {
    return decoder.decode(body);
  } catch (error) {
    throw new Rejected(
      'malformed',
      `the body of ${body.length} bytes is not ${charset.toUpperCase()}: ${firstLoss(body, charset)}`,
      { cause: error },
    );
  }
}

/** Looking further would cost a hostile body several times its own memory. */
const SEARCHED_BYTES = 1024 * 1024;

/** Where decoding leniently and encoding again first differs: in the first broken sequence. */
function firstLoss(body: Buffer, charset: 'utf-8' | 'utf-16le'): string {
  const searched = body.subarray(0, SEARCHED_BYTES);
  const lenient = Buffer.from(new TextDecoder(charset, { ignoreBOM: true }).decode(searched), charset);
  const position = searched.findIndex((byte, index) => byte !== lenient[index]);
  if (position !== -1) return `broken at byte ${position} (${hex(body, position)})`;
  return searched.length < body.length ? `broken after byte ${SEARCHED_BYTES}` : 'it ends inside a character';
}

function hex(body: Buffer, position: number): string {
  return `0x${body.toString('hex', position, position + 1)}`;
}
