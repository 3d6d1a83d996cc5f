import { UNREADABLE_HEADERS, type Delivery, type DeliveryProperties } from '../message/message.module';
import { cut } from './cut';
import { LATEST_TIMESTAMP, writable } from './header-values';
import { HEADER, isBrokerHeader } from './headers';
import { describeOrigin, readOrigin } from './origin-properties';
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

/** Ours together stay under 8 KiB: error, stack and names are cut, the producer's own headers never are. */
const ERROR_BYTES = 1_024;
const STACK_BYTES = 4_096;
/** As long as AMQP lets names be; what amqplib makes of bytes that are no UTF-8 may be three times as long. */
const NAME_BYTES = 255;

/**
 * Properties that would expire or refuse a copy (`userId` of another user closes the channel), and one that amqplib does not write.
 */
const UNSAFE_PROPERTIES: readonly string[] = ['expiration', 'userId', 'clusterId'];

/**
 * A retry or dead-letter copy: body, properties and headers as the producer sent them plus ours. What cannot be copied is
 * kept in `holdfast-origin-properties`.
 * @throws UnpublishableError what can be read of it cannot be written.
 */
export function copyOf(
  delivery: Delivery,
  exchange: string,
  routingKey: string,
  ours: CopyHeaders,
): Publication {
  const { kept, withheld } = partHeaders(delivery);
  const properties = partProperties(delivery, withheld, ours.dueAt !== undefined);
  const origin = { ...readOrigin(delivery.headers[HEADER.originProperties]), ...withheld };
  const headers = { ...writableHeaders(kept), ...ownHeaders(delivery, ours, describeOrigin(origin)) };
  return { exchange, routingKey, body: delivery.body, properties, headers };
}

/**
 * The producer's properties without what must not go onto a copy. Text of bytes that are no UTF-8 is read as replacement characters of three
 * bytes each, more than AMQP lets a property have: a dead letter goes without it, and a message that comes back cannot.
 */
function partProperties(
  delivery: Delivery,
  withheld: Record<string, unknown>,
  comesBack: boolean,
): Publication['properties'] {
  const properties: Record<string, unknown> = { ...delivery.properties, headers: undefined };
  for (const [name, value] of Object.entries(properties)) {
    const tooLong = typeof value === 'string' && Buffer.byteLength(value) > NAME_BYTES;
    if (tooLong && comesBack) throw new UnpublishableError(`the property ${name} is no UTF-8`);
    if (value === undefined || !(tooLong || UNSAFE_PROPERTIES.includes(name))) continue;
    withheld[name] = value;
    properties[name] = undefined;
  }
  if (typeof properties['timestamp'] === 'number')
    properties['timestamp'] = Math.min(properties['timestamp'], LATEST_TIMESTAMP);
  return properties;
}

/** The producer's headers, and those among them that must not go onto a copy. */
function partHeaders({ headers, viaRetry }: Delivery): Record<'kept' | 'withheld', Record<string, unknown>> {
  if (headers === UNREADABLE_HEADERS) return { kept: {}, withheld: { headers: 'could not be read' } };
  const named = Object.entries(headers).filter(([name]) => !name.startsWith('holdfast-'));
  const withheld = named.filter(([name]) => isBrokerHeader(name) && !viaRetry && !name.endsWith('-count'));
  return {
    kept: Object.fromEntries(named.filter(([name]) => !isBrokerHeader(name))),
    withheld: Object.fromEntries(withheld),
  };
}

function writableHeaders(headers: Record<string, unknown>): Record<string, unknown> {
  try {
    return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, writable(value)]));
  } catch (error) {
    throw new UnpublishableError('the headers are nested too deeply to be copied', { cause: error });
  }
}

function ownHeaders(
  delivery: Delivery,
  ours: CopyHeaders,
  originProperties: string | undefined,
): Record<string, string | number> {
  const all: Record<string, string | number | undefined> = {
    [HEADER.copyToken]: ours.token,
    [HEADER.dueAt]: ours.dueAt === undefined ? undefined : new Date(ours.dueAt).toISOString(),
    [HEADER.delayLeft]: ours.delayLeftMs === 0 ? undefined : ours.delayLeftMs,
    [HEADER.reason]: cut(ours.reason, NAME_BYTES),
    [HEADER.error]: cut(ours.error, ERROR_BYTES),
    [HEADER.stack]: cut(ours.stack, STACK_BYTES),
    [HEADER.handler]: cut(ours.handler, NAME_BYTES),
    [HEADER.firstFailedAt]: delivery.firstFailedAt ?? ours.firstFailedAt,
    [HEADER.lastFailedAt]: ours.lastFailedAt,
    [HEADER.originExchange]: cut(delivery.exchange, NAME_BYTES),
    [HEADER.originRoutingKey]: cut(delivery.routingKey, NAME_BYTES),
    [HEADER.originProperties]: originProperties,
    [HEADER.replay]: delivery.replay,
    [HEADER.retryCount]: ours.failedAttempts,
  };
  return Object.fromEntries(
    Object.entries(all).filter((entry): entry is [string, string | number] => entry[1] !== undefined),
  );
}
