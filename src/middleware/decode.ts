import { types } from 'node:util';
import { Rejected } from '../message/message.module';
import { assertReadable } from './headers';
import { inflate, readCodings } from './inflate';
import { readJson } from './json';
import { goingStraightOn, type Middleware } from './middleware-chain';
import { isCharset, readText } from './text';

export interface DecodeLimits {
  /** Of the body as it came. */
  readonly maxBodyBytes: number;
  /** Of the body after each decompression. */
  readonly maxInflatedBytes: number;
  /** Levels of objects and arrays in JSON; 1 is `{}`. */
  readonly maxDepth: number;
}

export interface ContentHeaders {
  readonly contentType?: string | undefined;
  readonly contentEncoding?: string | undefined;
}

/**
 * Built-in middleware: bytes become the message, by content-encoding and content-type.
 * What an earlier middleware has already turned into something else than bytes is left as it is.
 */
export function createDecode(limits: DecodeLimits): Middleware {
  return goingStraightOn(function decode(context, next) {
    const { delivery, payload } = context;
    assertReadable(delivery.headers);
    if (!types.isUint8Array(payload)) return next();
    const decoded = decodeBody(asBuffer(payload), delivery.properties, limits);
    if (!(decoded instanceof Promise)) {
      // A handler may do with its bytes what it likes; the delivery's own are needed for a retry.
      context.payload = decoded === payload ? Buffer.from(payload) : decoded;
      return next();
    }
    return decoded.then((value: unknown) => {
      context.payload = value;
      return next();
    });
  });
}

/**
 * The value of a body: a promise only where a large body is inflated.
 *
 * | content-type | value |
 * |---|---|
 * | `application/json`, `text/json`, `*+json`, or none at all | the JSON value |
 * | `text/*` | a string |
 * | `application/octet-stream` and everything else | a Buffer |
 *
 * content-encoding: gzip, x-gzip, deflate (zlib or raw), br, identity, or a list of up to three in the order they were
 * applied. charset: utf-8 (default), utf-16le, iso-8859-1, us-ascii, in content-type or, as Spring AMQP and Celery write it, in
 * content-encoding.
 * @throws Rejected `malformed` or `too-large`, saying which limit, which value and where.
 */
export function decodeBody(body: Buffer, headers: ContentHeaders, limits: DecodeLimits): unknown {
  if (body.length > limits.maxBodyBytes) {
    throw new Rejected(
      'too-large',
      `the body has ${body.length} bytes; the limit is ${limits.maxBodyBytes} (maxBodyBytes)`,
    );
  }
  const codings = readCodings(headers.contentEncoding, isCharset);
  const inflated = inflate(body, codings, limits.maxInflatedBytes);
  return inflated instanceof Promise
    ? inflated.then((bytes) => read(bytes, headers, limits))
    : read(inflated, headers, limits);
}

function read(bytes: Buffer, headers: ContentHeaders, limits: DecodeLimits): unknown {
  const [type = '', ...parameters] = (headers.contentType ?? '').split(';');
  const essence = type.trim().toLowerCase();
  const charset = (): string | undefined => charsetOf(parameters) ?? charsetIn(headers.contentEncoding);
  if (isJson(essence)) return readJson(readText(bytes, charset()), limits.maxDepth);
  return essence.startsWith('text/') ? readText(bytes, charset()) : bytes;
}

function isJson(essence: string): boolean {
  return (
    essence === '' || essence === 'application/json' || essence === 'text/json' || essence.endsWith('+json')
  );
}

function charsetOf(parameters: readonly string[]): string | undefined {
  for (const parameter of parameters) {
    const equals = parameter.indexOf('=');
    if (equals === -1 || parameter.slice(0, equals).trim().toLowerCase() !== 'charset') continue;
    const value = parameter.slice(equals + 1).trim();
    return value.startsWith('"') && value.endsWith('"') ? value.slice(1, -1) : value;
  }
  return undefined;
}

function charsetIn(contentEncoding: string | undefined): string | undefined {
  return contentEncoding
    ?.split(',')
    .map((part) => part.trim().toLowerCase())
    .find(isCharset);
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
