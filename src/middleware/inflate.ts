import { promisify, types } from 'node:util';
import zlib, { type BrotliOptions, type ZlibOptions } from 'node:zlib';
import { Rejected } from '../message/message.module';

interface Codec {
  readonly now: (body: Buffer, options: ZlibOptions & BrotliOptions) => Buffer;
  readonly later: (body: Buffer, options: ZlibOptions & BrotliOptions) => Promise<Buffer>;
}

const GZIP: Codec = { now: zlib.gunzipSync, later: promisify<Buffer, ZlibOptions, Buffer>(zlib.gunzip) };
const ZLIB: Codec = { now: zlib.inflateSync, later: promisify<Buffer, ZlibOptions, Buffer>(zlib.inflate) };
const RAW: Codec = {
  now: zlib.inflateRawSync,
  later: promisify<Buffer, ZlibOptions, Buffer>(zlib.inflateRaw),
};
const BROTLI: Codec = {
  now: zlib.brotliDecompressSync,
  later: promisify<Buffer, BrotliOptions, Buffer>(zlib.brotliDecompress),
};

type Coding = 'gzip' | 'deflate' | 'br';

const CODINGS: Readonly<Record<string, Coding | 'none'>> = {
  gzip: 'gzip',
  'x-gzip': 'gzip',
  deflate: 'deflate',
  br: 'br',
  identity: 'none',
  // Python's kombu and Celery say so of bodies that are not compressed at all.
  binary: 'none',
  '8bit': 'none',
  '7bit': 'none',
};

const MAX_CODINGS = 3;
/** Up to this much the event loop does itself what a trip to the thread pool would cost more than. */
const SMALL_BODY = 16 * 1024;
const SMALL_RESULT = 256 * 1024;

/**
 * The codings to undo, last applied first. Names that `isCharset` knows are passed over: Spring AMQP and Celery put
 * the charset of an uncompressed body into content-encoding.
 * @throws Rejected `malformed` for a coding nobody here knows, or more than three.
 */
export function readCodings(
  contentEncoding: string | undefined,
  isCharset: (name: string) => boolean,
): Coding[] {
  if (contentEncoding === undefined || contentEncoding === '') return [];
  const codings: Coding[] = [];
  for (const part of contentEncoding.slice(0, 256).split(',')) {
    const name = part.trim().toLowerCase();
    const coding = Object.hasOwn(CODINGS, name) ? CODINGS[name] : undefined;
    if (coding === undefined) {
      if (name === '' || isCharset(name)) continue;
      throw new Rejected(
        'malformed',
        `content-encoding ${quote(name)} is not supported; supported are ${Object.keys(CODINGS).join(', ')}`,
      );
    }
    if (coding !== 'none') codings.unshift(coding);
  }
  if (codings.length > MAX_CODINGS) {
    throw new Rejected(
      'malformed',
      `content-encoding names ${codings.length} compressions on top of each other; at most ${MAX_CODINGS} are undone`,
    );
  }
  return codings;
}

/**
 * Undoes one compression after the other. Each step stops at the limit before the memory is spent.
 * @throws Rejected `too-large` beyond `maxBytes`, `malformed` for damaged or truncated data; asynchronously for large bodies.
 */
export function inflate(
  body: Buffer,
  codings: readonly Coding[],
  maxBytes: number,
): Buffer | Promise<Buffer> {
  let inflated = body;
  for (const [index, coding] of codings.entries()) {
    const small = inflated.length <= SMALL_BODY ? inflateNow(inflated, coding, maxBytes) : undefined;
    if (!small) return inflateLater(inflated, codings.slice(index), maxBytes);
    inflated = small;
  }
  return inflated;
}

/** Undefined when the result is not small: a few bytes of brotli can hold gigabytes, which belong on the thread pool. */
function inflateNow(body: Buffer, coding: Coding, maxBytes: number): Buffer | undefined {
  const limit = Math.min(maxBytes, SMALL_RESULT);
  let failure: unknown;
  for (const codec of codecsFor(coding, body)) {
    try {
      return codec.now(body, { maxOutputLength: limit });
    } catch (error) {
      if (!isOverLimit(error)) failure ??= error;
      else if (limit === maxBytes) throw refused(error, coding, body, maxBytes);
      else return undefined;
    }
  }
  throw refused(failure, coding, body, maxBytes);
}

async function inflateLater(body: Buffer, codings: readonly Coding[], maxBytes: number): Promise<Buffer> {
  let inflated = body;
  for (const coding of codings) inflated = await inflateOne(inflated, coding, maxBytes);
  return inflated;
}

async function inflateOne(body: Buffer, coding: Coding, maxBytes: number): Promise<Buffer> {
  let failure: unknown;
  for (const codec of codecsFor(coding, body)) {
    try {
      return await codec.later(body, { maxOutputLength: maxBytes });
    } catch (error) {
      if (isOverLimit(error)) throw refused(error, coding, body, maxBytes);
      failure ??= error;
    }
  }
  throw refused(failure, coding, body, maxBytes);
}

/**
 * `deflate` means zlib by the standard and raw deflate with some producers. A raw stream may look like a zlib header
 * by chance, so that raw is tried whenever zlib fails.
 */
function codecsFor(coding: Coding, body: Buffer): readonly Codec[] {
  switch (coding) {
    case 'gzip':
      return [GZIP];
    case 'br':
      return [BROTLI];
    case 'deflate':
      return hasZlibHeader(body) ? [ZLIB, RAW] : [RAW];
  }
}

function hasZlibHeader(body: Buffer): boolean {
  return body.length >= 2 && (body.readUInt8(0) & 0x0f) === 8 && body.readUInt16BE(0) % 31 === 0;
}

function isOverLimit(error: unknown): boolean {
  return codeOf(error) === 'ERR_BUFFER_TOO_LARGE';
}

function refused(error: unknown, coding: Coding, body: Buffer, maxBytes: number): Rejected {
  if (isOverLimit(error)) {
    return new Rejected(
      'too-large',
      `${body.length} bytes of ${coding} inflate to more than the limit of ${maxBytes} bytes (maxInflatedBytes)`,
      { cause: error },
    );
  }
  const why = types.isNativeError(error) ? error.message : String(error);
  return new Rejected(
    'malformed',
    `content-encoding says ${coding}, but the ${body.length} bytes do not inflate: ${why} (${codeOf(error)})`,
    { cause: error },
  );
}

function codeOf(error: unknown): string {
  const code = types.isNativeError(error) && 'code' in error ? error.code : undefined;
  return typeof code === 'string' ? code : 'no code';
}

/** Text of a stranger, safe to print. */
function quote(text: string): string {
  return JSON.stringify(text.slice(0, 60));
}
