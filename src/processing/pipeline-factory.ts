import { Injectable } from '@nestjs/common';
import { InjectConfig, type ConsumerConfig } from '../config/config.module';
import { LeaseMode, OutboxRelay, TransactionalMode } from '../idempotency/idempotency.module';
import type { ConsumerDefinition, FoundMiddleware } from '../registration/registration.module';
import { HandlerPipeline } from './handler-pipeline';

/** Puts the pipelines of a consumer together. */
@Injectable()
export class PipelineFactory {
  constructor(
    @InjectConfig('consumer') private readonly limits: ConsumerConfig,
    private readonly transactional: TransactionalMode,
    private readonly lease: LeaseMode,
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
    return handlers.map((handler) => new HandlerPipeline(handler, parts));
  }
}
