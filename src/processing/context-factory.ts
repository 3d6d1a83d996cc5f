import { randomUUID } from 'node:crypto';
import { Injectable, Logger } from '@nestjs/common';
import { BrokerConnections, type Publication } from '../broker/broker.module';
import { OutboxStore } from '../idempotency/idempotency.module';
import type { Delivery, MessageLog, PublishOptions } from '../message/message.module';
import { DeliveryContext, type ContextOutlets } from './delivery-context';
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
  ): DeliveryContext {
    return new DeliveryContext(delivery, pipeline.handler, pipeline.inFlight, type, traceId, this);
  }

  /** In a transaction it is written and leaves after the commit; without one it is confirmed before this resolves. */
  async publish(
    context: DeliveryContext,
    exchange: string,
    routingKey: string,
    body: unknown,
    options: PublishOptions,
  ): Promise<void> {
    const publication = toPublication(context, exchange, routingKey, body, options);
    if (context.isTransactional) {
      const transaction = context.openTransaction('ctx.publish');
      context.written.push(await this.outbox.write(transaction, publication));
    } else await this.broker.outgoing.publish(publication);
  }

  logOf(context: DeliveryContext): MessageLog {
    const { id: transactionId, queue, attempt, traceId } = context;
    const say =
      (level: 'debug' | 'log' | 'warn' | 'error') =>
      (msg: string, fields: object = {}): void => {
        this.logger[level]({ transactionId, queue, attempt, traceId, ...fields, msg });
      };
    return { debug: say('debug'), info: say('log'), warn: say('warn'), error: say('error') };
  }
}

function toPublication(
  context: DeliveryContext,
  exchange: string,
  routingKey: string,
  body: unknown,
  { headers = {}, messageId = randomUUID(), ...properties }: PublishOptions,
): Publication {
  const isRaw = Buffer.isBuffer(body);
  // `undefined` has no JSON text.
  const content = isRaw ? body : Buffer.from((JSON.stringify(body) as string | undefined) ?? 'null');
  const contentType = isRaw ? 'application/octet-stream' : 'application/json';
  const { traceparent } = context.headers as { traceparent?: unknown };
  return {
    exchange,
    routingKey,
    body: content,
    properties: { contentType, ...properties, messageId },
    headers: { ...(typeof traceparent === 'string' && { traceparent }), ...headers },
  };
}
