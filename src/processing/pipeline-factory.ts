import { Injectable, Logger } from '@nestjs/common';
import { InjectConfig, type ConsumerConfig } from '../config/config.module';
import { GroupTransaction, SharedCommit, type SharedMember } from '../grouping/grouping.module';
import { LeaseMode, TransactionalMode } from '../idempotency/idempotency.module';
import { OutboxRelay } from '../outbox/outbox.module';
import type {
  ConsumerDefinition,
  FoundMiddleware,
  HandlerDefinition,
} from '../registration/registration.module';
import { ContextFactory } from './context-factory';
import { HandlerPipeline } from './handler-pipeline';
import { leavingWith, type Publishing, type Relay } from './leaving-with';

/** Puts the pipelines of a consumer together. */
@Injectable()
export class PipelineFactory {
  private readonly logger = new Logger(PipelineFactory.name);

  constructor(
    @InjectConfig('consumer') private readonly limits: ConsumerConfig,
    private readonly transactional: TransactionalMode,
    private readonly lease: LeaseMode,
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
      lease: this.lease,
      middleware: middleware.filter(({ queues }) => queues === undefined || queues.includes(queue)),
      limits: this.limits,
      relay: this.outbox.relay.bind(this.outbox),
    };
    return handlers.map((handler) => {
      const lanes = Math.max(1, Math.floor(concurrency / (handler.batchSize ?? 1)));
      const batches = { groups: this.groups, lanes, outlets: this.contexts };
      const shared = this.sharedCommit(queue, handler, parts.relay);
      return new HandlerPipeline(handler, { ...parts, batches, shared });
    });
  }

  private sharedCommit(
    queue: string,
    { commit, groupSize, timeoutMs, className, methodName }: HandlerDefinition,
    relay: Relay,
  ): SharedCommit<SharedMember & Publishing> | undefined {
    if (commit !== 'shared') return undefined;
    return new SharedCommit({
      groups: this.groups,
      groupSize,
      timeoutMs,
      last: (group) => leavingWith(group, relay),
      onInterleaved: () => {
        this.logger.log(
          `${className}.${methodName} of "${queue}" waits for one statement before it sends the next: from now on the messages of a shared commit are handled in turn. It is faster where a handler sends all its statements at once (Promise.all)`,
        );
      },
    });
  }
}
