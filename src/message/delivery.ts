/** The AMQP properties of a message, as its producer set them (amqplib's names). */
export interface DeliveryProperties {
  readonly messageId?: string;
  readonly correlationId?: string;
  readonly contentType?: string;
  readonly contentEncoding?: string;
  readonly type?: string;
  readonly appId?: string;
  readonly replyTo?: string;
  readonly userId?: string;
  readonly expiration?: string;
  readonly priority?: number;
  readonly timestamp?: number;
  readonly deliveryMode?: number;
}

export type Headers = Readonly<Record<string, unknown>>;

/**
 * In place of headers that cannot be read, or must not be handed on: empty, and known by its identity. Such a message is `malformed`, and
 * copies of it have no headers of the producer.
 */
export const UNREADABLE_HEADERS: Headers = Object.freeze({});

/** One delivery of one message to one consumer. Knows nothing of channels: settling it is the queue consumer's work. */
export interface Delivery {
  readonly queue: string;
  /** Where the producer published it; kept over every retry. */
  readonly exchange: string;
  readonly routingKey: string;
  readonly properties: DeliveryProperties;
  readonly headers: Headers;
  /** The body, byte for byte as the producer sent it. */
  readonly body: Buffer;
  /** The broker has delivered this message before and saw no settlement: its process may have died of it. */
  readonly redelivered: boolean;
  /** It came back through our own due exchange, so its `holdfast-*` headers are ours and not a producer's claim. */
  readonly viaRetry: boolean;
  /** Which try this is, from 1. Failed tries before it are counted in the header `x-retry-count`. */
  readonly attempt: number;
  /** Names the copy this delivery is of; undefined on what the producer published. */
  readonly copyToken: string | undefined;
  /** Milliseconds still to wait: a long delay is walked tier by tier. Told by the copy, so that no clock has to agree. */
  readonly delayLeftMs: number;
  readonly firstFailedAt: string | undefined;
  /** Set when an operator's replay sent it. */
  readonly replay: string | undefined;
  /** When this process received it, from `performance.now()`. */
  readonly receivedAt: number;
}
