import type { ConsumeMessage } from 'amqplib';
import { UNREADABLE_HEADERS, type Delivery, type Headers } from '../message/message.module';
import { ownEntries } from './header-values';
import { HEADER } from './headers';

/** Far beyond every policy, and a number that Postgres still counts on from. */
const MOST_FAILED_ATTEMPTS = 1_000_000;
/** Ten years, as for every duration. */
const LONGEST_DELAY_MS = 3_650 * 86_400_000;
/** AMQP's names have no more; what is longer in one of our headers was not written by us. */
const LONGEST_NAME = 255;
const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** Reads one AMQP delivery. Whatever a producer put into a header, this never throws, and what it believes of it is bounded. */
export function readDelivery(message: ConsumeMessage, queue: string, dueExchange: string): Delivery {
  const headers = readHeaders(message.properties.headers ?? {});
  const viaRetry = message.fields.exchange === dueExchange;
  return {
    queue,
    exchange: nameIn(headers[HEADER.originExchange]) ?? message.fields.exchange,
    routingKey: nameIn(headers[HEADER.originRoutingKey]) ?? message.fields.routingKey,
    properties: message.properties,
    headers,
    body: message.content,
    redelivered: message.fields.redelivered,
    viaRetry,
    attempt: count(headers[HEADER.retryCount], MOST_FAILED_ATTEMPTS) + 1,
    copyToken: uuid(headers[HEADER.copyToken]),
    // Only a copy of ours may ask to wait: a producer's header could hold a message back for ever.
    delayLeftMs: viaRetry ? count(headers[HEADER.delayLeft], LONGEST_DELAY_MS) : 0,
    firstFailedAt: timeIn(headers[HEADER.firstFailedAt]),
    replay: nameIn(headers[HEADER.replay]),
    receivedAt: performance.now(),
  };
}

/**
 * A death history that no broker has written must not be given back to one: RabbitMQ 3.10 loses the dead-lettering at least once of all
 * queues of its node over a message that it dead-letters with such a history.
 */
function readHeaders(table: object): Headers {
  const headers = ownEntries(table);
  const deaths = headers['x-death'];
  return Array.isArray(deaths) && !deaths.every(isDeath) ? UNREADABLE_HEADERS : headers;
}

function isDeath(value: unknown): boolean {
  if (typeof value !== 'object' || value === null || Array.isArray(value) || Buffer.isBuffer(value))
    return false;
  const { '!': type, count = null } = value as Record<string, unknown>;
  return type === undefined && (count === null || Number.isSafeInteger(count));
}

function nameIn(value: unknown): string | undefined {
  return typeof value === 'string' && Buffer.byteLength(value) <= LONGEST_NAME ? value : undefined;
}

function timeIn(value: unknown): string | undefined {
  return typeof value === 'string' && TIME.test(value) ? value : undefined;
}

function count(value: unknown, most: number): number {
  const number = typeof value === 'string' ? Number(value) : value;
  return typeof number === 'number' && Number.isSafeInteger(number) && number > 0
    ? Math.min(number, most)
    : 0;
}

/** A token goes into a uuid column; what is no uuid is not ours. */
function uuid(value: unknown): string | undefined {
  return typeof value === 'string' && UUID.test(value) ? value : undefined;
}
