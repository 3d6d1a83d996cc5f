import { randomUUID } from 'node:crypto';
import { Injectable, Logger } from '@nestjs/common';
import { BrokerConnections, type Publication } from '../broker/broker.module';
import type { Delivery, MessageLog, PublishOptions } from '../message/message.module';
import { OutboxStore } from '../outbox/outbox.module';
import { DeliveryContext, type Again, type ContextOutlets, type Publisher } from './delivery-context';
import type { HandlerPipeline } from './handler-pipeline';

/** Makes the context of a delivery: where its log lines and its publications go. */
@Injectable()
export class ContextFactory implements ContextOutlets {
  private readonly logger = new Logger('Handler');

  constructor(
    private readonly outbox: OutboxStore,
    private readonly broker: BrokerConnections,
  ) {}

  create(
    delivery: Delivery,
    pipeline: HandlerPipeline,
    type: string | undefined,
    traceId: string,
    before: Again | undefined,
  ): DeliveryContext {
    return new DeliveryContext(delivery, pipeline.handler, type, traceId, this, before);
  }

  /** In a transaction it is written and leaves after the commit; without one it is confirmed before this resolves. */
  async publish(
    publisher: Publisher,
    exchange: string,
    routingKey: string,
    body: unknown,
    options: PublishOptions,
  ): Promise<void> {
    const publication = toPublication(publisher, exchange, routingKey, body, options);
    if (publisher.isTransactional) {
      const { sql } = publisher.openTransaction('ctx.publish');
      publisher.written.push(await this.outbox.write(sql, publication));
    } else await this.broker.outgoing.publish(publication);
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
  { headers = {}, messageId = randomUUID(), ...properties }: PublishOptions,
): Publication {
  const isRaw = Buffer.isBuffer(body);
  // `undefined` has no JSON text.
  const content = isRaw ? body : Buffer.from((JSON.stringify(body) as string | undefined) ?? 'null');
  const contentType = isRaw ? 'application/octet-stream' : 'application/json';
  const { traceparent } = publisher.headers as { traceparent?: unknown };
  return {
    exchange,
    routingKey,
    body: content,
    properties: { contentType, ...properties, messageId },
    headers: { ...(typeof traceparent === 'string' && { traceparent }), ...headers },
  };
}
