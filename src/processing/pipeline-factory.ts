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
import { HandlerPipeline, type PipelineParts } from './handler-pipeline';
import { leavingWith, type Publishing } from './leaving-with';

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
  ) {}

  build({ queue, handlers }: ConsumerDefinition, middleware: readonly FoundMiddleware[]): HandlerPipeline[] {
    const parts = {
      transactional: this.transactional,
      lease: this.lease,
      middleware: middleware.filter(({ queues }) => queues === undefined || queues.includes(queue)),
      limits: this.limits,
      relay: this.outbox.relay.bind(this.outbox),
    };
    return handlers.map(
      (handler) =>
        new HandlerPipeline(handler, { ...parts, shared: this.sharedCommit(queue, handler, parts.relay) }),
    );
  }

  private sharedCommit(
    queue: string,
    { commit, groupSize, timeoutMs, className, methodName }: HandlerDefinition,
    relay: PipelineParts['relay'],
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
