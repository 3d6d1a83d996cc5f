import {
  Injectable,
  Logger,
  type BeforeApplicationShutdown,
  type OnApplicationBootstrap,
  type OnModuleDestroy,
  type OnModuleInit,
} from '@nestjs/common';
import { BrokerConnections } from '../broker/broker.module';
import {
  InjectConfig,
  type BrokerConfig,
  type IdempotencyConfig,
  type ServiceConfig,
} from '../config/config.module';
import { Database } from '../database/database.module';
import { Findings } from '../inspection/inspection.module';
import {
  EventBus,
  formatDuration,
  parseDuration,
  type BatchContext,
  type MessageContext,
} from '../message/message.module';
import { OutboxRelay } from '../outbox/outbox.module';
import { MessageProcessor, PipelineFactory } from '../processing/processing.module';
import {
  HandlerConfigurationError,
  HandlerExplorer,
  HandlerRegistry,
  longestPath,
  type BatchConsumerOptions,
  type BatchHandlerFunction,
  type ConsumerDefinition,
  type ConsumerOptions,
  type FoundMiddleware,
  type HandlerDefinition,
} from '../registration/registration.module';
import { DelayTiers, names, TopologyDeclarer } from '../topology/topology.module';
import type { ConsumerStatus } from './consumer-status';
import { DISCOVERY, type DiscoveryMode } from './discovery-mode';
import { PauseWatch } from './pause-watch';
import { QueueConsumer } from './queue-consumer';

/** No consumer of that queue on this replica. */
export class UnknownConsumerError extends Error {
  override readonly name = 'UnknownConsumerError';

  constructor(queue: string, known: readonly string[]) {
    super(`there is no consumer of the queue "${queue}"; there are: ${known.join(', ') || '(none)'}`);
  }
}

/** All consumers of this process: finds them at boot, takes more while running, pauses and resumes them, and stops them in order. */
@Injectable()
export class Consumers
  implements OnModuleInit, OnApplicationBootstrap, OnModuleDestroy, BeforeApplicationShutdown
{
  private readonly consumers = new Map<string, QueueConsumer>();
  private middleware: readonly FoundMiddleware[] = [];
  private started = false;
  private readonly logger = new Logger(Consumers.name);

  constructor(
    @InjectConfig('service') private readonly service: ServiceConfig,
    @InjectConfig('broker') private readonly brokerConfig: BrokerConfig,
    @InjectConfig('idempotency') private readonly idempotency: IdempotencyConfig,
    @DISCOVERY.inject private readonly discovery: DiscoveryMode,
    private readonly explorer: HandlerExplorer,
    private readonly registry: HandlerRegistry,
    private readonly pipelines: PipelineFactory,
    private readonly broker: BrokerConnections,
    private readonly database: Database,
    private readonly declarer: TopologyDeclarer,
    private readonly tiers: DelayTiers,
    private readonly processor: MessageProcessor,
    private readonly outbox: OutboxRelay,
    private readonly pauses: PauseWatch,
    private readonly findings: Findings,
    private readonly events: EventBus,
  ) {}

  /** @throws HandlerConfigurationError before anything is consumed. */
  onModuleInit(): void {
    this.middleware = this.explorer.findMiddleware(this.discovery.mayIgnore);
    this.registry.onAdded((definition) => {
      this.create(definition);
    });
    this.registry.add(this.explorer.findHandlers(this.discovery.mayIgnore));
  }

  onApplicationBootstrap(): void {
    this.started = true;
    this.database.start();
    this.broker.start();
    for (const consumer of this.consumers.values()) consumer.start();
    this.pauses.start(() => {
      for (const consumer of this.consumers.values()) consumer.reconcile();
    });
  }

  /** Nothing new is begun from here on; HTTP, metrics, database and broker still live. */
  async onModuleDestroy(): Promise<void> {
    this.pauses.stop();
    await Promise.all([...this.consumers.values()].map((consumer) => consumer.stopConsuming()));
  }

  /** Waits for what runs, at most the shutdown grace. */
  async beforeApplicationShutdown(): Promise<void> {
    const deadline = AbortSignal.timeout(this.service.shutdownGraceMs);
    await Promise.all([...this.consumers.values()].map((consumer) => consumer.drain(deadline)));
    await this.outbox.settled();
  }

  list(): ConsumerStatus[] {
    return [...this.consumers.values()].map((consumer) => this.statusOf(consumer));
  }

  /** @throws UnknownConsumerError */
  get(queue: string): ConsumerStatus {
    return this.statusOf(this.find(queue));
  }

  /** Stops taking messages on every replica until `resume`; running handlers finish. @throws UnknownConsumerError */
  async pause(
    queue: string,
    { by, reason }: { by: string; reason?: string | null },
  ): Promise<ConsumerStatus> {
    const consumer = this.find(queue);
    await this.pauses.pause(queue, by, reason ?? null);
    return this.statusOf(consumer);
  }

  /** @throws UnknownConsumerError */
  async resume(queue: string, { by }: { by: string }): Promise<ConsumerStatus> {
    const consumer = this.find(queue);
    await this.pauses.resume(queue);
    this.logger.log(`the consumer of "${queue}" was resumed by ${by}`);
    return this.statusOf(consumer);
  }

  /**
   * Consumes a queue from now on, with the same options and guarantees as a decorated method.
   * @throws HandlerConfigurationError wrong options, or the queue has a consumer already.
   */
  register<Payload>(
    options: string | ConsumerOptions,
    handler: (payload: Payload, context: MessageContext) => unknown,
  ): void {
    this.registry.add([
      {
        className: 'consumers.register',
        methodName: handler.name || 'handler',
        options: typeof options === 'string' ? { queue: options } : options,
        invoke: (payload, context) => handler(payload as Payload, context as MessageContext),
      },
    ]);
  }

  /** As `register`, with a handler of many messages at once. @throws HandlerConfigurationError */
  registerBatch<Payload>(
    options: string | BatchConsumerOptions,
    handler: BatchHandlerFunction<Payload>,
  ): void {
    this.registry.add([
      {
        className: 'consumers.registerBatch',
        methodName: handler.name || 'handler',
        options: typeof options === 'string' ? { queue: options } : options,
        isBatch: true,
        invoke: (payloads, context) => handler(payloads as Payload[], context as BatchContext),
      },
    ]);
  }

  /** Stops a consumer for good; running handlers finish within the shutdown grace. Its queue stays. @throws UnknownConsumerError */
  async unregister(queue: string): Promise<void> {
    const consumer = this.find(queue);
    await consumer.drain(AbortSignal.timeout(this.service.shutdownGraceMs));
    this.consumers.delete(queue);
    this.registry.remove(queue);
  }

  private create(definition: ConsumerDefinition): void {
    this.assertRemembered(definition);
    const consumer = new QueueConsumer(definition, this.pipelines.build(definition, this.middleware), {
      namespace: this.brokerConfig.namespace,
      broker: this.broker,
      database: this.database,
      declarer: this.declarer,
      tiers: this.tiers,
      processor: this.processor,
      pauses: this.pauses,
      events: this.events,
    });
    this.consumers.set(definition.queue, consumer);
    if (this.started) consumer.start();
  }

  /** A message that is forgotten before its last try, or before it may be replayed, could take effect twice. */
  private assertRemembered({ queue, handlers }: ConsumerDefinition): void {
    const { retentionMs, replayWindowMs } = this.idempotency;
    const tooLong = handlers.filter((handler) => {
      const path = handler.idempotency === 'off' ? 0 : longestPath(handler.retry, longestOwnDelay(handler));
      return path > 0 && path + replayWindowMs > retentionMs;
    });
    if (tooLong.length === 0) return;
    this.registry.remove(queue);
    throw new HandlerConfigurationError(
      tooLong.map((handler) => {
        const path = formatDuration(longestPath(handler.retry, longestOwnDelay(handler)));
        return `${handler.className}.${handler.methodName} retries for up to ${path}, and with HOLDFAST_REPLAY_WINDOW (${formatDuration(replayWindowMs)}) that is longer than HOLDFAST_INBOX_RETENTION (${formatDuration(retentionMs)}): raise the retention, or shorten the retry policy`;
      }),
    );
  }

  private find(queue: string): QueueConsumer {
    const consumer = this.consumers.get(queue);
    if (!consumer) throw new UnknownConsumerError(queue, [...this.consumers.keys()]);
    return consumer;
  }

  private statusOf(consumer: QueueConsumer): ConsumerStatus {
    const { definition } = consumer;
    const pause = this.pauses.of(definition.queue);
    return {
      queue: definition.queue,
      state: consumer.state,
      reason: consumer.reason ?? null,
      handlers: definition.handlers.map(({ className, methodName, types, batchSize }) => ({
        class: className,
        method: methodName,
        types,
        ...(batchSize !== undefined && { batchSize }),
      })),
      idempotency: [...new Set(definition.handlers.map(({ idempotency }) => idempotency))],
      concurrency: definition.concurrency,
      prefetch: definition.prefetch,
      inFlight: consumer.inFlight,
      waiting: consumer.waiting,
      paused: pause ? { by: pause.by, at: pause.at.toISOString(), reason: pause.reason } : null,
      drift: consumer.drift,
      findings: this.findings.of(definition.queue, names.deadLetters(definition.queue)),
      retryDelays: (definition.handlers[0]?.retry.lanes ?? []).map(([delay]) => formatDuration(delay ?? 0)),
      deadLetterQueue: names.deadLetters(definition.queue),
    };
  }
}

function longestOwnDelay({ classify }: HandlerDefinition): number {
  const delays = classify.map(({ then }) => (typeof then === 'object' ? parseDuration(then.retryAfter) : 0));
  return Math.max(0, ...delays);
}
