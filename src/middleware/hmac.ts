import { createHmac, createSecretKey, timingSafeEqual, type KeyObject } from 'node:crypto';
import type { Duration, MiddlewareContext } from '../message/message.module';
import { DEFAULT_MAX_AGE, isFollowUp, nowInSeconds, secondsOf } from './freshness';
import { readHeader, requireText, unauthenticated } from './headers';

export type HmacAlgorithm = 'sha256' | 'sha512';

export interface HmacOptions {
  /** Several while secrets are changed: a signature under any of them counts. A function is asked at every message. */
  readonly secrets: string | readonly string[] | (() => string | readonly string[]);
  /** Default `x-signature`. */
  readonly header?: string;
  /** Default `x-signature-timestamp`. */
  readonly timestampHeader?: string;
  /**
   * How far the producer's timestamp may be from our clock when the message first arrives here, either way. Default `5m`.
   * The time a message waits in the queue counts: a backlog, a pause or an outage longer than this ends as dead letters,
   * which an operator can replay. Where that matters more than replays by strangers, raise it up to the retention of the inbox.
   */
  readonly tolerance?: Duration;
  /** How old a retry, redelivery or replay may be. Default `14d`; see `isFollowUp` in freshness.ts for the reasons. */
  readonly maxAge?: Duration;
  /** Default `sha256`. */
  readonly algorithm?: HmacAlgorithm;
}

export interface SignOptions {
  readonly secret: string;
  /** The AMQP message-id; where there is none, the header x-transaction-id; where there is neither, leave it out. */
  readonly messageId?: string;
  /** Seconds since 1970. Default: now. */
  readonly timestamp?: number;
  readonly algorithm?: HmacAlgorithm;
  readonly header?: string;
  readonly timestampHeader?: string;
}

const HEADER = 'x-signature';
const TIMESTAMP_HEADER = 'x-signature-timestamp';
const DIGEST_BYTES: Readonly<Record<HmacAlgorithm, number>> = { sha256: 32, sha512: 64 };
const MIN_SECRET_BYTES = 16;

/**
 * For producers: the headers that make a message one of yours.
 *
 * In any language: `x-signature-timestamp` is the time in whole seconds since 1970, `x-signature` is
 * `sha256=` + hex (or base64) of HMAC-SHA256(secret, `<timestamp>.<message id>.` + the body's bytes as published, after
 * compression). In the message id write `%` as `%25` and `.` as `%2E`, so that no part can be taken for another.
 *
 * Not signed, and so to be trusted no further than the broker's permissions: exchange, routing key, `type`, content-type,
 * content-encoding and all headers. A secret of its own for each queue keeps messages from being moved to another.
 *
 * ```ts
 * const body = Buffer.from(JSON.stringify(order));
 * channel.publish('shop', 'order.created', body, { messageId, headers: signMessage(body, { secret, messageId }) });
 * ```
 */
export function signMessage(body: string | Uint8Array, options: SignOptions): Record<string, string> {
  const { algorithm = 'sha256', messageId = '', timestamp = nowInSeconds() } = options;
  if (!Number.isSafeInteger(timestamp) || timestamp < 0) {
    throw new TypeError(`timestamp is ${timestamp}; it must be whole seconds since 1970`);
  }
  const bytes = typeof body === 'string' ? Buffer.from(body) : body;
  const signature = digest(algorithm, keyOf(options.secret), String(timestamp), messageId, bytes);
  return {
    [options.timestampHeader ?? TIMESTAMP_HEADER]: String(timestamp),
    [options.header ?? HEADER]: `${algorithm}=${signature.toString('hex')}`,
  };
}

/** @throws TypeError at boot naming the option; otherwise a check that throws Rejected `unauthenticated`. */
export function createHmacCheck(options: HmacOptions): (context: MiddlewareContext) => void {
  const { header = HEADER, timestampHeader = TIMESTAMP_HEADER, algorithm = 'sha256' } = options;
  const tolerance = secondsOf('hmac.tolerance', options.tolerance ?? '5m');
  const maxAge = Math.max(tolerance, secondsOf('hmac.maxAge', options.maxAge ?? DEFAULT_MAX_AGE));
  if (!Object.hasOwn(DIGEST_BYTES, algorithm)) {
    throw new TypeError(`hmac.algorithm is ${JSON.stringify(algorithm)}; it must be sha256 or sha512`);
  }
  if (header === '' || timestampHeader === '')
    throw new TypeError('hmac.header and hmac.timestampHeader must not be empty');
  const keys = keySource(options.secrets);

  return ({ delivery }) => {
    const given = readSignature(requireText(delivery.headers, header, 512), algorithm);
    const timestamp = readTimestamp(readHeader(delivery.headers, timestampHeader), timestampHeader);
    // As the inbox takes it: an id that nobody signed would make an old message a new one.
    const id = delivery.properties.messageId || textOf(readHeader(delivery.headers, 'x-transaction-id'));
    // The signature first: a timestamp nobody signed is nothing to reason about.
    const candidates = keys();
    const matches = candidates.filter((key) => {
      return timingSafeEqual(given, digest(algorithm, key, timestamp, id, delivery.body));
    });
    if (matches.length === 0) {
      throw unauthenticated(
        `the signature in ${header} does not fit the timestamp, the message id and the body ` +
          `(${candidates.length} ${candidates.length === 1 ? 'secret' : 'secrets'} tried)`,
      );
    }
    judgeAge(nowInSeconds() - Number(timestamp), isFollowUp(delivery), tolerance, maxAge);
  };
}

function judgeAge(age: number, followUp: boolean, tolerance: number, maxAge: number): void {
  if (age < -tolerance) {
    throw unauthenticated(
      `the signature's timestamp is ${-age} s ahead of our clock; the tolerance is ${tolerance} s`,
    );
  }
  if (!followUp && age > tolerance) {
    throw unauthenticated(
      `the signature is ${age} s old at its first delivery; the tolerance is ${tolerance} s. ` +
        'If it waited in a backlog, replay it, and consider a longer tolerance',
    );
  }
  if (age > maxAge) {
    throw unauthenticated(
      `the signature is ${age} s old; a retry or replay may be at most ${maxAge} s old (maxAge)`,
    );
  }
}

function digest(
  algorithm: HmacAlgorithm,
  key: KeyObject,
  timestamp: string,
  id: string,
  body: Uint8Array,
): Buffer {
  const escaped = id.replaceAll('%', '%25').replaceAll('.', '%2E');
  return createHmac(algorithm, key).update(`${timestamp}.${escaped}.`).update(body).digest();
}

function readSignature(text: string, algorithm: HmacAlgorithm): Buffer {
  const [, prefix, value = ''] = /^(?:(sha\d+)=)?(.*)$/is.exec(text.trim()) ?? [];
  if (prefix !== undefined && prefix.toLowerCase() !== algorithm) {
    throw unauthenticated(
      `the signature is made with ${prefix.toLowerCase()}, this consumer expects ${algorithm}`,
    );
  }
  const size = DIGEST_BYTES[algorithm];
  if (value.length === 2 * size && /^[0-9a-f]+$/i.test(value)) return Buffer.from(value, 'hex');
  const bytes = /^[A-Za-z0-9+/_-]+={0,2}$/.test(value) ? Buffer.from(value, 'base64') : Buffer.alloc(0);
  if (bytes.length === size) return bytes;
  throw unauthenticated(
    `the signature of ${value.length} characters is no ${algorithm} digest: ` +
      `${2 * size} hex or ${4 * Math.ceil(size / 3)} base64 characters are expected`,
  );
}

/** The digits as they were signed. */
function readTimestamp(value: unknown, header: string): string {
  if (value === undefined || value === null || value === '')
    throw unauthenticated(`the header ${header} is missing`);
  const text = textOf(value);
  if (/^\d{1,11}$/.test(text)) return text;
  const shown = text === '' ? `of type ${typeof value}` : JSON.stringify(text.slice(0, 40));
  throw unauthenticated(
    `the header ${header} is ${shown}; it must be whole seconds since 1970, not milliseconds or a date`,
  );
}

function textOf(value: unknown): string {
  return typeof value === 'string' || typeof value === 'number' ? String(value) : '';
}

function keySource(secrets: HmacOptions['secrets']): () => KeyObject[] {
  if (typeof secrets !== 'function') {
    const keys = keysOf(secrets);
    return () => keys;
  }
  return () => {
    try {
      return keysOf(secrets());
    } catch (error) {
      // Not the message's fault: no Rejected, so that it is tried again.
      throw new Error('the function hmac.secrets gave no usable secret', { cause: error });
    }
  };
}

function keysOf(secrets: unknown): KeyObject[] {
  const list: unknown[] = Array.isArray(secrets) ? secrets : [secrets];
  if (list.length === 0) throw new TypeError('hmac.secrets is an empty list; give at least one secret');
  return list.map(keyOf);
}

/** @throws TypeError that never shows the secret. */
function keyOf(secret: unknown): KeyObject {
  if (typeof secret !== 'string')
    throw new TypeError(`hmac.secrets: a secret must be text, but is of type ${typeof secret}`);
  const bytes = Buffer.from(secret);
  if (bytes.length >= MIN_SECRET_BYTES) return createSecretKey(bytes);
  throw new TypeError(
    `hmac.secrets: a secret has ${bytes.length} bytes; at least ${MIN_SECRET_BYTES} are needed (openssl rand -hex 32)`,
  );
}
