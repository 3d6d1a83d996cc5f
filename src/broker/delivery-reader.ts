import type { ConsumeMessage } from 'amqplib';
import type { Delivery } from '../message/message.module';
import { HEADER } from './headers';

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** Reads one AMQP delivery. Whatever a producer put into a header, this never throws. */
export function readDelivery(message: ConsumeMessage, queue: string, dueExchange: string): Delivery {
  const headers = (message.properties.headers ?? {}) as Record<string, unknown>;
  const viaRetry = message.fields.exchange === dueExchange;
  return {
    queue,
    exchange: text(headers[HEADER.originExchange]) ?? message.fields.exchange,
    routingKey: text(headers[HEADER.originRoutingKey]) ?? message.fields.routingKey,
    properties: message.properties,
    headers,
    body: message.content,
    redelivered: message.fields.redelivered,
    viaRetry,
    attempt: count(headers[HEADER.retryCount]) + 1,
    copyToken: uuid(headers[HEADER.copyToken]),
    // Only a copy of ours may ask to wait: a producer's header could hold a message back for ever.
    delayLeftMs: viaRetry ? count(headers[HEADER.delayLeft]) : 0,
    firstFailedAt: text(headers[HEADER.firstFailedAt]),
    replay: text(headers[HEADER.replay]),
    receivedAt: performance.now(),
  };
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

function count(value: unknown): number {
  const number = typeof value === 'string' ? Number(value) : value;
  return typeof number === 'number' && Number.isSafeInteger(number) && number > 0 ? number : 0;
}

/** A token goes into a uuid column; what is no uuid is not ours. */
function uuid(value: unknown): string | undefined {
  return typeof value === 'string' && UUID.test(value) ? value : undefined;
}
