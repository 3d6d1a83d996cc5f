import type { BatchContext, Delivery, Duration } from '../message/message.module';
import type { Authentication, MessageSchema } from '../middleware/middleware.module';
import type { RetryPolicy } from './retry-schedule';

export interface Binding {
  readonly exchange: string;
  readonly routingKey: string;
  /** What the exchange is declared as when it does not exist yet. Default `topic`. */
  readonly exchangeType?: 'topic' | 'direct' | 'fanout' | 'headers';
}

/**
 * `transactional`: the handler's writes through `ctx.tx` commit exactly once. `lease`: for effects outside the database; one run at a
 * time, none after one that completed. `off`: at least once, no database.
 */
export type IdempotencyMode = 'transactional' | 'lease' | 'off';

/** What commits together. */
export type CommitMode = 'own' | 'shared';

type ErrorClass = abstract new (...args: never[]) => unknown;

/** What a rule makes of an error. `{ retryAfter }` uses up an attempt, like every retry. */
export type Verdict = 'retry' | 'dead-letter' | 'discard' | { readonly retryAfter: Duration };

/** The first rule that fits decides. */
export interface ClassificationRule {
  /** An error class, or a predicate of the error. */
  readonly when: ErrorClass | ((error: unknown) => boolean);
  readonly then: Verdict;
}

/** Where a message says what it is. */
export type TypeSource = 'type' | { readonly header: string } | ((delivery: Delivery) => string | undefined);

export interface IncomingMessage {
  /** Decoded and validated. */
  readonly payload: unknown;
  readonly delivery: Delivery;
}

/** Everything `@ReliableConsumer` takes. Only `queue` is needed. */
export interface ConsumerOptions {
  /** The work queue: declared as a durable quorum queue unless told otherwise. */
  readonly queue: string;
  /** Only messages of this type, or of these types, come to this method; needed where a queue has several handlers. */
  readonly type?: string | readonly string[];
  /** Where the type is found. Default: the AMQP `type` property. */
  readonly typeFrom?: TypeSource;
  /** What becomes of a message of a type that no method takes. Default `dead-letter`, with the reason `no-handler`. */
  readonly onUnknownType?: 'dead-letter' | 'discard';
  readonly bindings?: readonly Binding[];
  /** Default `quorum`. */
  readonly queueType?: 'quorum' | 'classic';
  /** `false`: the queue is somebody else's and must exist. Default `true`. */
  readonly declare?: boolean;
  /** zod, any Standard Schema, or a class with class-validator decorators. */
  readonly schema?: MessageSchema;
  /** Default `{ delays: ['10s', '30s', '60s'] }`: four tries. */
  readonly retry?: RetryPolicy;
  /** Further tries at once in this process, before the policy. Default 0, at most 10. */
  readonly immediateRetries?: number;
  readonly classify?: readonly ClassificationRule[];
  /** Default `transactional`. */
  readonly idempotency?: IdempotencyMode;
  /**
   * `shared`: up to `groupSize` messages that are waiting commit together, many times as fast. Their handlers run in one transaction, and run
   * again when a neighbour fails; so they must do nothing outside it. Default `own`: one commit for each message.
   */
  readonly commit?: CommitMode;
  /** The most messages of one shared commit. Default 100. */
  readonly groupSize?: number;
  /** Finds the transaction id in the message. Default: the AMQP `message-id`, then the header `x-transaction-id`. */
  readonly transactionId?: (message: IncomingMessage) => string | undefined;
  /** What becomes of a message without one. `process`: handled, but not recognised when it comes twice. Default `dead-letter`. */
  readonly onMissingTransactionId?: 'dead-letter' | 'process';
  /** Handlers of this queue at once in this process. Default `HOLDFAST_CONCURRENCY`; with shared commits room for two groups. */
  readonly concurrency?: number;
  /** Deliveries the broker sends ahead. Default: 4 × the concurrency, at least 10; 2 × where commits are shared. */
  readonly prefetch?: number;
  /** Default `HOLDFAST_TIMEOUT`. */
  readonly timeout?: Duration;
  /** How often a message may come back from a process that died with it. Default `HOLDFAST_DELIVERY_LIMIT`. */
  readonly deliveryLimit?: number;
  /** What the producer must prove. Default: nothing. */
  readonly authenticate?: Authentication;
}

/** Everything `@ReliableBatchConsumer` takes. Only `queue` is needed. */
export interface BatchConsumerOptions extends Omit<
  ConsumerOptions,
  'commit' | 'groupSize' | 'immediateRetries' | 'concurrency'
> {
  /** The most messages of one batch. Default 100. */
  readonly batchSize?: number;
  /** Messages of this queue at once in this process. Default: room for two batches. */
  readonly concurrency?: number;
}

/** Reads the application's configuration: `ConfigService` of @nestjs/config. */
export interface ConfigReader {
  get<T = string>(key: string): T | undefined;
  getOrThrow<T = string>(key: string): T;
}

/** A queue's name, the options, or a function that makes them of the configuration. */
export type ConsumerOptionsSource =
  string | ConsumerOptions | ((config: ConfigReader) => string | ConsumerOptions);

export type BatchConsumerOptionsSource =
  string | BatchConsumerOptions | ((config: ConfigReader) => string | BatchConsumerOptions);

/**
 * Nothing: every message is completed. Or an entry for each message, in their order: `undefined` completes it, and an error is what this one
 * has come to, while the others are committed.
 */
// eslint-disable-next-line @typescript-eslint/no-invalid-void-type -- what a method without a return gives
export type BatchResult = void | readonly (Error | undefined)[];

export type BatchHandlerFunction<Payload> = (
  messages: Payload[],
  context: BatchContext,
) => BatchResult | Promise<BatchResult>;
