import { UNREADABLE_HEADERS, type Delivery, type DeliveryProperties } from '../message/message.module';
import { HEADER, isBrokerHeader } from './headers';
import { UnpublishableError } from './unpublishable-error';

/** A message to publish: always persistent, always confirmed, always mandatory. */
export interface Publication {
  readonly exchange: string;
  readonly routingKey: string;
  readonly body: Buffer;
  readonly properties: DeliveryProperties;
  readonly headers: Record<string, unknown>;
}

export interface CopyHeaders {
  readonly failedAttempts: number;
  readonly token: string | undefined;
  /** Milliseconds since 1970. */
  readonly dueAt?: number;
  /** Milliseconds that remain after this hop. */
  readonly delayLeftMs?: number;
  readonly reason?: string;
  readonly error?: string;
  readonly stack?: string;
  readonly handler?: string;
  readonly firstFailedAt?: string;
  readonly lastFailedAt?: string;
}

/** Ours together stay under 8 KiB: error and stack are cut, the producer's own headers never are. */
const ERROR_BYTES = 1_024;
const STACK_BYTES = 4_096;
const LONGEST_ORIGIN = 1_024;

/** Properties that would reroute, expire or refuse a copy (`userId` of another user closes the channel). */
const UNSAFE_PROPERTIES = ['expiration', 'userId'] as const;

/**
 * A retry or dead-letter copy: body, properties and headers as the producer sent them plus ours. What cannot be copied is
 * kept in `holdfast-origin-properties`.
 * @throws UnpublishableError the headers could not be read.
 */
export function copyOf(
  delivery: Delivery,
  exchange: string,
  routingKey: string,
  ours: CopyHeaders,
): Publication {
  if (delivery.headers === UNREADABLE_HEADERS)
    throw new UnpublishableError('the headers are nested too deeply to be copied');
  const headers: Record<string, unknown> = {};
  const withheld: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(delivery.headers)) {
    if (name.startsWith('holdfast-')) continue;
    if (!isBrokerHeader(name)) headers[name] = value;
    else if (!delivery.viaRetry && !name.endsWith('-count')) withheld[name] = value;
  }
  const properties: Record<string, unknown> = { ...delivery.properties };
  for (const name of UNSAFE_PROPERTIES) {
    if (properties[name] !== undefined) withheld[name] = properties[name];
    properties[name] = undefined;
  }
  const replaced: Record<string, string | undefined> = {
    [HEADER.copyToken]: ours.token,
    [HEADER.dueAt]: ours.dueAt === undefined ? undefined : new Date(ours.dueAt).toISOString(),
    [HEADER.reason]: ours.reason,
    [HEADER.error]: ours.error === undefined ? undefined : cut(ours.error, ERROR_BYTES),
    [HEADER.stack]: ours.stack === undefined ? undefined : cut(ours.stack, STACK_BYTES),
    [HEADER.handler]: ours.handler,
    [HEADER.firstFailedAt]: delivery.firstFailedAt ?? ours.firstFailedAt,
    [HEADER.lastFailedAt]: ours.lastFailedAt,
    [HEADER.originExchange]: delivery.exchange,
    [HEADER.originRoutingKey]: delivery.routingKey,
    [HEADER.originProperties]: originProperties(delivery, withheld),
    [HEADER.replay]: delivery.replay,
  };
  for (const [name, value] of Object.entries(replaced)) if (value !== undefined) headers[name] = value;
  if (ours.delayLeftMs !== undefined && ours.delayLeftMs > 0) headers[HEADER.delayLeft] = ours.delayLeftMs;
  headers[HEADER.retryCount] = ours.failedAttempts;
  return { exchange, routingKey, body: delivery.body, properties, headers };
}

/** Written on the first copy and carried on from there: later deliveries no longer have the originals. */
function originProperties(delivery: Delivery, withheld: Record<string, unknown>): string | undefined {
  const earlier = delivery.headers[HEADER.originProperties];
  if (typeof earlier === 'string') return earlier;
  if (Object.keys(withheld).length === 0) return undefined;
  const all = JSON.stringify(withheld);
  if (all.length <= LONGEST_ORIGIN) return all;
  // A long death history makes room for what steers a message.
  const { CC, BCC, expiration, userId } = withheld;
  return JSON.stringify({ CC, BCC, expiration, userId }).slice(0, LONGEST_ORIGIN);
}

/** Cuts at a character boundary, so that what is left is valid UTF-8 of at most `bytes` bytes. */
export function cut(value: string, bytes: number): string {
  const buffer = Buffer.from(value, 'utf8');
  if (buffer.length <= bytes) return value;
  let end = bytes - 3;
  while (end > 0 && ((buffer[end] ?? 0) & 0xc0) === 0x80) end--;
  return `${buffer.toString('utf8', 0, end)}…`;
}
