/** The public API of the package; nothing else is public. */
export { HoldfastModule, type HoldfastOptions } from './holdfast.module';
export {
  ReliableBatchConsumer,
  ReliableConsumer,
  HandlerConfigurationError,
  HOLDFAST,
  HoldfastStrategy,
  exponential,
  type BatchConsumerOptions,
  type BatchConsumerOptionsSource,
  type BatchHandlerFunction,
  type BatchResult,
  type Binding,
  type ClassificationRule,
  type CommitMode,
  type ConsumerOptions,
  type ConsumerOptionsSource,
  type IdempotencyMode,
  type IncomingMessage,
  type RetryPolicy,
  type TypeSource,
  type Verdict,
} from './registration/registration.module';
export {
  Discard,
  EventBus,
  HandlerTimeoutError,
  PermanentError,
  Rejected,
  RetryLater,
  ShutdownError,
  type BatchContext,
  type ConsumerState,
  type DeadLetterReason,
  type Delivery,
  type Duration,
  type HoldfastEvents,
  type MessageContext,
  type MessageLog,
  type MiddlewareContext,
  type MiddlewareHandler,
  type Next,
  type Outcome,
  type PublishOptions,
  type Sql,
} from './message/message.module';
export {
  MessageMiddleware,
  MIDDLEWARE_ORDER,
  signMessage,
  type Authentication,
  type MessageMiddlewareOptions,
  type MessageSchema,
} from './middleware/middleware.module';
export { Consumers, UnknownConsumerError, type ConsumerStatus } from './consumer/consumer.module';
export { LeaseLostError } from './idempotency/idempotency.module';
export { Database, SwallowedSqlError, TransactionLostError } from './database/database.module';
export { ObservabilityModule } from './observability/observability.module';
