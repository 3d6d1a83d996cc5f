import { createHash, randomUUID } from 'node:crypto';
import { Injectable, Logger } from '@nestjs/common';
import {
  BrokerConnections,
  publishable,
  UnpublishableError,
  type Publication,
} from '../broker/broker.module';
import { InjectConfig, type ConsumerConfig } from '../config/config.module';
import type { Delivery, MessageLog, PublishOptions } from '../message/message.module';
import { DeliveryContext, type Again, type ContextOutlets, type Publisher } from './delivery-context';
import type { HandlerPipeline } from './handler-pipeline';

/** Makes the context of a delivery: where its log lines and its publications go. */
@Injectable()
export class ContextFactory implements ContextOutlets {
  private readonly logger = new Logger('Handler');

  constructor(
    @InjectConfig('consumer') private readonly limits: ConsumerConfig,
    private readonly broker: BrokerConnections,
  ) {}

  create(
    delivery: Delivery,
    pipeline: HandlerPipeline,
    type: string | undefined,
    traceId: string,
    before: Again | undefined,
  ): DeliveryContext {
    return new DeliveryContext(delivery, pipeline.handler, pipeline.inFlight, type, traceId, this, before);
  }

  /** In a transaction it is written with the commit and leaves after it; without one it is confirmed before this resolves. */
  async publish(
    publisher: Publisher,
    exchange: string,
    routingKey: string,
    body: unknown,
    options: PublishOptions,
  ): Promise<void> {
    const publication = toPublication(publisher, exchange, routingKey, body, options);
    if (publisher.isTransactional) {
      publisher.openTransaction('ctx.publish');
      publisher.published.push(this.storable(publication));
    } else await this.broker.outgoing.publish(publication);
  }

  /** Later it would be too late to tell its publisher: what a broker refuses for its size closes the channel under all others. */
  private storable(publication: Publication): Publication {
    const { length } = publication.body;
    const { maxBodyBytes } = this.limits;
    if (length <= maxBodyBytes) return publication;
    throw new UnpublishableError(
      `the body has ${String(length)} bytes, more than HOLDFAST_MAX_BODY (${String(maxBodyBytes)}): raise it, or publish where the content can be fetched`,
    );
  }

  log(about: object): MessageLog {
    const say =
      (level: 'debug' | 'log' | 'warn' | 'error') =>
      (msg: string, fields: object = {}): void => {
        this.logger[level]({ ...about, ...fields, msg });
      };
    return { debug: say('debug'), info: say('log'), warn: say('warn'), error: say('error') };
  }
}

function toPublication(
  publisher: Publisher,
  exchange: string,
  routingKey: string,
  body: unknown,
  { headers = {}, messageId = idOf(publisher, exchange, routingKey), ...properties }: PublishOptions,
): Publication {
  const isRaw = Buffer.isBuffer(body);
  // `undefined` has no JSON text.
  // A copy: its publisher may go on using the buffer, and it is written later.
  const content = isRaw
    ? Buffer.from(body)
    : Buffer.from((JSON.stringify(body) as string | undefined) ?? 'null');
  const contentType = isRaw ? 'application/octet-stream' : 'application/json';
  const { traceparent } = publisher.headers as { traceparent?: unknown };
  return publishable({
    exchange,
    routingKey,
    body: content,
    properties: { contentType, ...properties, messageId },
    headers: { ...(typeof traceparent === 'string' && { traceparent }), ...headers },
  });
}

/**
 * Under a lease a handler may run again after it has published: the same id then, so that a consumer with an inbox sees one message. The
 * body has no part in it: the time of the run in it would make two messages of one.
 */
function idOf(publisher: Publisher, exchange: string, routingKey: string): string {
  if (!publisher.lease) return randomUUID();
  const { consumer, transactionId } = publisher.lease.key;
  const parts = [consumer, transactionId, ++publisher.publications, exchange, routingKey];
  const hex = createHash('sha256').update(JSON.stringify(parts)).digest('hex');
  // RFC 9562, version 8: a UUID of one's own making.
  return [
    hex.slice(0, 8),
    hex.slice(8, 12),
    `8${hex.slice(13, 16)}`,
    `8${hex.slice(17, 20)}`,
    hex.slice(20, 32),
  ].join('-');
}
