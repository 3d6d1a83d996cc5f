import type { EntityManager } from 'typeorm';
import type { Delivery, Headers } from './delivery';

export interface MessageLog {
  debug(message: string, fields?: object): void;
  info(message: string, fields?: object): void;
  warn(message: string, fields?: object): void;
  error(message: string, fields?: object): void;
}

/** Options of `ctx.publish`; the names are AMQP's. */
export interface PublishOptions {
  readonly messageId?: string;
  readonly type?: string;
  readonly correlationId?: string;
  readonly contentType?: string;
  readonly headers?: Record<string, unknown>;
  readonly priority?: number;
}

/** The light way to the transaction of this message: the pg client's own `query`. */
export interface Sql {
  query<Row extends object = Record<string, unknown>>(
    text: string,
    values?: unknown[],
  ): Promise<{ rows: Row[]; rowCount: number | null }>;
}

/** What a handler gets beside the message. */
export interface MessageContext {
  /** The transaction id: the consumer's `transactionId` function, the AMQP message-id, or the header `x-transaction-id`. */
  readonly id: string;
  /** Which try this is, from 1. */
  readonly attempt: number;
  readonly queue: string;
  /** Where the producer published it, also on a retry. */
  readonly exchange: string;
  readonly routingKey: string;
  readonly headers: Headers;
  /** The body as it came. */
  readonly body: Buffer;
  /** The AMQP `type` or what the consumer's `type` option found; undefined when the message has none. */
  readonly type: string | undefined;
  /** The W3C trace id this message belongs to (32 hex digits). */
  readonly traceId: string;
  /** Aborted at the timeout of the handler, at the end of the shutdown grace, and when a lease is lost. Pass it on to `fetch` and the like. */
  readonly signal: AbortSignal;
  /**
   * The TypeORM EntityManager of this message's transaction; what is written through it commits exactly once.
   * @throws Error when the consumer's idempotency mode has no transaction.
   */
  readonly tx: EntityManager;
  /** The same transaction without TypeORM. @throws Error as `tx`. */
  readonly sql: Sql;
  /**
   * With idempotency `lease`: grows with every claim of this message. A system that remembers the highest one it has seen of a message
   * and refuses a lower one is safe from a run that was taken over and does not know it yet.
   * @throws Error in other modes, and for a message without a transaction id.
   */
  readonly fencingToken: number;
  /**
   * Publishes a message. In `transactional` mode it is written to the outbox and leaves after the commit, at least once,
   * with a stable message id; in the modes `lease` and `off` it resolves when the broker has confirmed and routed it. With `lease` the
   * message id is the same on every run: made of the transaction id, the number of the publication and where it goes.
   * @param body a Buffer is sent as it is, everything else as JSON.
   */
  publish(exchange: string, routingKey: string, body: unknown, options?: PublishOptions): Promise<void>;
  readonly log: MessageLog;
}

/** What a handler of batches gets beside the messages. */
export interface BatchContext {
  readonly queue: string;
  /** The context of each message, in the order of the messages. Their `tx` and `sql` are those of the batch. */
  readonly messages: readonly MessageContext[];
  /** Aborted at the timeout of the batch and at the end of the shutdown grace. */
  readonly signal: AbortSignal;
  /** The TypeORM EntityManager of the one transaction of the batch. @throws Error as `MessageContext.tx`. */
  readonly tx: EntityManager;
  /** The same transaction without TypeORM. @throws Error as `tx`. */
  readonly sql: Sql;
  /** As `MessageContext.publish`, on behalf of the whole batch. */
  publish(exchange: string, routingKey: string, body: unknown, options?: PublishOptions): Promise<void>;
  readonly log: MessageLog;
}

/** What middleware gets: the handler's context, the raw delivery and the message as decoded so far. */
export interface MiddlewareContext extends MessageContext {
  readonly delivery: Delivery;
  readonly handler: { readonly className: string; readonly methodName: string };
  /** The message. A Buffer before decoding; replace it to change what comes after. */
  payload: unknown;
}

export type Next = () => Promise<void>;

/** A class with `@MessageMiddleware({ order })` around handlers. Call `next` once; to end early, throw. */
export interface MiddlewareHandler {
  use(context: MiddlewareContext, next: Next): Promise<void> | void;
}
