import type { BatchContext, Delivery, MessageContext } from '../message/message.module';
import type { Authentication, MessageSchema } from '../middleware/middleware.module';
import type {
  Binding,
  ClassificationRule,
  CommitMode,
  IdempotencyMode,
  IncomingMessage,
} from './consumer-options';
import type { RetrySchedule } from './retry-schedule';

/** One method, ready to be called. */
export interface HandlerDefinition {
  readonly className: string;
  readonly methodName: string;
  /** Empty: every type. */
  readonly types: readonly string[];
  readonly schema: MessageSchema | undefined;
  readonly authenticate: Authentication | undefined;
  readonly retry: RetrySchedule;
  readonly immediateRetries: number;
  readonly classify: readonly ClassificationRule[];
  readonly idempotency: IdempotencyMode;
  readonly commit: CommitMode;
  /** The most messages of one transaction; 1 where each has its own. */
  readonly groupSize: number;
  readonly transactionId: ((message: IncomingMessage) => string | undefined) | undefined;
  readonly onMissingTransactionId: 'dead-letter' | 'process';
  readonly timeoutMs: number;
  /** The most messages of one call; undefined where each message is a call. */
  readonly batchSize: number | undefined;
  readonly invoke: Invoke;
}

/** With one message and its context, or with the messages of a batch and theirs. */
export type Invoke = (payload: unknown, context: MessageContext | BatchContext) => unknown;

/** One queue with all its handlers. */
export interface ConsumerDefinition {
  readonly queue: string;
  readonly queueType: 'quorum' | 'classic';
  readonly declare: boolean;
  readonly bindings: readonly Required<Binding>[];
  readonly concurrency: number;
  readonly prefetch: number;
  readonly deliveryLimit: number;
  readonly onUnknownType: 'dead-letter' | 'discard';
  readonly typeOf: (delivery: Delivery) => string | undefined;
  readonly handlers: readonly HandlerDefinition[];
}

/** The method for a message of this type; undefined when nobody takes it. */
export function handlerFor(
  definition: ConsumerDefinition,
  type: string | undefined,
): HandlerDefinition | undefined {
  const { handlers } = definition;
  if (type !== undefined) {
    const named = handlers.find((handler) => handler.types.includes(type));
    if (named) return named;
  }
  return handlers.find((handler) => handler.types.length === 0);
}
