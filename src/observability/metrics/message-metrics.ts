import { Injectable, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import { InjectMetric } from '@willsoto/nestjs-prometheus';
import type { Counter, Histogram } from 'prom-client';
import { EventBus, OUTCOME_KINDS, type HoldfastEvents } from '../../message/message.module';
import { RETRY_REASONS, retryReason } from './retry-reason';

/** Counts what became of messages. */
@Injectable()
export class MessageMetrics implements OnModuleInit, OnApplicationShutdown {
  private readonly seen = new Set<string>();
  private off: (() => void) | undefined;

  constructor(
    private readonly events: EventBus,
    @InjectMetric('holdfast_messages_total') private readonly messages: Counter<'queue' | 'outcome'>,
    @InjectMetric('holdfast_retries_total') private readonly retries: Counter<'queue' | 'reason'>,
    @InjectMetric('holdfast_processing_seconds') private readonly seconds: Histogram<'queue'>,
  ) {}

  onModuleInit(): void {
    this.off = this.events.on('message.settled', (event) => {
      this.count(event);
    });
  }

  onApplicationShutdown(): void {
    this.off?.();
  }

  /** Begins the series of a queue at 0: a counter that first appears at 1 has lost that 1 for `rate()`. */
  introduce(queue: string): void {
    if (this.seen.has(queue)) return;
    this.seen.add(queue);
    for (const outcome of OUTCOME_KINDS) this.messages.inc({ queue, outcome }, 0);
    for (const reason of RETRY_REASONS) this.retries.inc({ queue, reason }, 0);
    this.seconds.zero({ queue });
  }

  private count({ delivery: { queue }, outcome, durationMs }: HoldfastEvents['message.settled']): void {
    this.introduce(queue);
    this.messages.inc({ queue, outcome: outcome.kind });
    if (outcome.kind === 'retry') this.retries.inc({ queue, reason: retryReason(outcome) });
    if (outcome.kind !== 'release') this.seconds.observe({ queue }, durationMs / 1000);
  }
}
