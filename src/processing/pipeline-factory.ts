import { Injectable, Logger } from '@nestjs/common';
import { InjectConfig, type ConsumerConfig } from '../config/config.module';
import { GroupTransaction, SharedCommit } from '../grouping/grouping.module';
import { TransactionalMode } from '../idempotency/idempotency.module';
import { OutboxRelay } from '../outbox/outbox.module';
import type {
  ConsumerDefinition,
  FoundMiddleware,
  HandlerDefinition,
} from '../registration/registration.module';
import { ContextFactory } from './context-factory';
import { HandlerPipeline } from './handler-pipeline';

/** Puts the pipelines of a consumer together. */
@Injectable()
export class PipelineFactory {
  private readonly logger = new Logger(PipelineFactory.name);

  constructor(
    @InjectConfig('consumer') private readonly limits: ConsumerConfig,
    private readonly transactional: TransactionalMode,
    private readonly groups: GroupTransaction,
    private readonly outbox: OutboxRelay,
    private readonly contexts: ContextFactory,
  ) {}

  build(
    { queue, handlers, concurrency }: ConsumerDefinition,
    middleware: readonly FoundMiddleware[],
  ): HandlerPipeline[] {
    const parts = {
      transactional: this.transactional,
      middleware: middleware.filter(({ queues }) => queues === undefined || queues.includes(queue)),
      limits: this.limits,
      relay: this.outbox.relay.bind(this.outbox),
    };
    return handlers.map((handler) => {
      const lanes = Math.max(1, Math.floor(concurrency / (handler.batchSize ?? 1)));
      const batches = { groups: this.groups, lanes, outlets: this.contexts };
      return new HandlerPipeline(handler, { ...parts, batches, shared: this.sharedCommit(queue, handler) });
    });
  }

  private sharedCommit(
    queue: string,
    { commit, groupSize, timeoutMs, className, methodName }: HandlerDefinition,
  ): SharedCommit | undefined {
    if (commit !== 'shared') return undefined;
    return new SharedCommit({
      groups: this.groups,
      groupSize,
      timeoutMs,
      onInterleaved: () => {
        this.logger.log(
          `${className}.${methodName} of "${queue}" waits for one statement before it sends the next: from now on the messages of a shared commit are handled in turn. It is faster where a handler sends all its statements at once (Promise.all)`,
        );
      },
    });
  }
}
