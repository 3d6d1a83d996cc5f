import { Injectable } from '@nestjs/common';
import { isDeeperThan, type Issue, Problem } from '../access/access.module';
import { BrokerConnections, UnconfirmedError, UnroutableError } from '../broker/broker.module';
import { type ConsumerConfig, InjectConfig } from '../config/config.module';
import {
  type Delivery,
  type DeliveryProperties,
  type MiddlewareContext,
  Rejected,
} from '../message/message.module';
import { createAuthenticate, validatePayload } from '../middleware/middleware.module';
import { handlerFor, HandlerRegistry } from '../registration/registration.module';
import { findTarget, type MessageTarget } from './message-target';
import { type Accepted, type ProcessRequest, transactionIdSchema } from './process-request';

/** What the request said of itself besides its body. */
export interface RequestOrigin {
  /** For a message whose sender named no id. */
  readonly newId: () => string;
  readonly traceparent: string | undefined;
}

/** What the message will look like to its consumer when it arrives. */
const FIRST_DELIVERY = {
  exchange: '',
  redelivered: false,
  viaRetry: false,
  attempt: 1,
  copyToken: undefined,
  delayLeftMs: 0,
  firstFailedAt: undefined,
  replay: undefined,
  receivedAt: 0,
} as const;

/** Messages that come by HTTP: checked as their handler would, then sent through the broker like any other. */
@Injectable()
export class Intake {
  constructor(
    private readonly registry: HandlerRegistry,
    private readonly connections: BrokerConnections,
    @InjectConfig('consumer') private readonly limits: ConsumerConfig,
  ) {}

  /** @throws Problem 400 or 413 when its handler would not take the message, 503 when the broker did not take it. */
  async accept(request: ProcessRequest, origin: RequestOrigin): Promise<Accepted> {
    const target = findTarget(request.type, this.registry.all());
    const payload = await this.validate(request.payload, target);
    const draft = this.draft(request, origin, target);
    const transactionId = identify(draft, request, payload, target);
    const message = { ...draft, properties: { ...draft.properties, messageId: transactionId } };
    await authenticate(message, target);
    await this.publish(message, transactionId);
    return { transactionId, status: 'accepted' };
  }

  /** @returns what the schema makes of the payload; sent is what came. */
  private async validate(payload: unknown, { handler }: MessageTarget): Promise<unknown> {
    if (isDeeperThan(payload, this.limits.maxDepth)) {
      throw invalidPayload([{ path: '', message: `nested deeper than ${this.limits.maxDepth} levels` }]);
    }
    if (!handler.schema) return payload;
    const validation = await validatePayload(handler.schema, payload);
    if (!validation.ok) throw invalidPayload(validation.issues);
    return validation.value;
  }

  private draft(request: ProcessRequest, origin: RequestOrigin, target: MessageTarget): Delivery {
    const { queue } = target.consumer;
    const body = Buffer.from(JSON.stringify(request.payload));
    if (body.length > this.limits.maxBodyBytes) {
      throw new Problem(
        413,
        'payload-too-large',
        `The payload has ${body.length} bytes; ${this.limits.maxBodyBytes} are allowed.`,
      );
    }
    const properties: DeliveryProperties = {
      messageId: request.transactionId ?? origin.newId(),
      contentType: 'application/json',
      timestamp: Math.floor(Date.now() / 1000),
      ...(target.type !== undefined && { type: target.type }),
    };
    const headers = {
      ...(origin.traceparent !== undefined && { traceparent: origin.traceparent }),
      ...request.headers,
    };
    return { ...FIRST_DELIVERY, queue, routingKey: queue, properties, headers, body };
  }

  private async publish(
    { exchange, routingKey, body, properties, headers }: Delivery,
    id: string,
  ): Promise<void> {
    try {
      await this.connections.outgoing.publish({
        exchange,
        routingKey,
        body,
        properties,
        headers: { ...headers },
      });
    } catch (error) {
      const options = { headers: { 'Retry-After': '5' }, cause: error };
      if (error instanceof UnroutableError) {
        throw new Problem(
          503,
          'queue-missing',
          `The queue ${JSON.stringify(routingKey)} does not exist on the broker at present.`,
          options,
        );
      }
      if (error instanceof UnconfirmedError) {
        throw new Problem(
          503,
          'broker-unavailable',
          `The broker has not confirmed the message. Send it again with transactionId ${JSON.stringify(id)}: it takes effect once, however often it arrives.`,
          options,
        );
      }
      throw error;
    }
  }
}

/**
 * Makes sure that the message will reach the handler it was checked for, under the id that is answered.
 * @throws Problem 400
 */
function identify(
  draft: Delivery,
  request: ProcessRequest,
  payload: unknown,
  { consumer, handler }: MessageTarget,
): string {
  const type = ask('type', () => consumer.typeOf(draft));
  if (handlerFor(consumer, type) !== handler) {
    throw new Problem(
      400,
      'type-not-reached',
      `The consumer ${consumer.queue} reads the type of a message elsewhere than in the AMQP type; give what it reads in headers or payload.`,
    );
  }
  const named =
    handler.transactionId &&
    ask('transactionId', () => handler.transactionId?.({ payload, delivery: draft }));
  if (named === undefined) return draft.properties.messageId ?? '';
  if (request.transactionId !== undefined && request.transactionId !== named) {
    const message = `the consumer ${consumer.queue} takes the id from the message itself, where it is ${JSON.stringify(named)}`;
    throw new Problem(400, 'invalid-request', `transactionId: ${message}`, {
      issues: [{ path: 'transactionId', message }],
    });
  }
  const checked = transactionIdSchema.safeParse(named);
  if (checked.success) return checked.data;
  throw invalidPayload([{ path: '', message: 'the transaction id in it cannot be used as one' }]);
}

/** Functions of the application may fail on a payload they did not expect. */
function ask<Answer>(what: string, question: () => Answer): Answer {
  try {
    return question();
  } catch (cause) {
    throw new Problem(400, 'invalid-payload', `The consumer could not find the ${what} in the message.`, {
      cause,
    });
  }
}

function invalidPayload(issues: readonly Issue[]): Problem {
  const placed = issues.map(({ path, message }) => ({ path: pathInPayload(path), message }));
  const detail = placed.map(({ path, message }) => `${path}: ${message}`).join('; ');
  return new Problem(400, 'invalid-payload', detail, { issues: placed });
}

function pathInPayload(path: string): string {
  return path === '' || path.startsWith('[') ? `payload${path}` : `payload.${path}`;
}

/** The key of the admin API says who calls, not that the producer's proof is right: the consumer would refuse the message without one. */
async function authenticate(delivery: Delivery, { handler }: MessageTarget): Promise<void> {
  if (!handler.authenticate) return;
  try {
    // Only the raw delivery is looked at.
    await createAuthenticate(handler.authenticate)({ delivery } as MiddlewareContext, () =>
      Promise.resolve(),
    );
  } catch (error) {
    if (!(error instanceof Rejected)) throw error;
    throw new Problem(
      400,
      'message-not-authenticated',
      `The consumer takes only messages whose producer proves itself: ${error.message}. Pass the proof in \`headers\`.`,
    );
  }
}
