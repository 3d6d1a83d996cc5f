import { Inject, Injectable, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import { Counter, Histogram, type Registry } from 'prom-client';
import { EventBus, OUTCOME_KINDS, type HoldfastEvents } from '../../message/message.module';
import { REGISTRY } from './registry';
import { RETRY_REASONS, retryReason } from './retry-reason';

/** From what a cache answers to what a timeout ends. */
const SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];

/** Counts what became of messages. */
@Injectable()
export class MessageMetrics implements OnModuleInit, OnApplicationShutdown {
  private readonly messages: Counter<'queue' | 'outcome'>;
  private readonly retries: Counter<'queue' | 'reason'>;
  private readonly seconds: Histogram<'queue'>;
  private readonly seen = new Set<string>();
  private off: (() => void) | undefined;

  constructor(
    private readonly events: EventBus,
    @Inject(REGISTRY) registry: Registry,
  ) {
    const registers = [registry];
    this.messages = new Counter({
      name: 'holdfast_messages_total',
      help: 'Settled deliveries by outcome; a release was given back to the broker and comes again.',
      labelNames: ['queue', 'outcome'],
      registers,
    });
    this.retries = new Counter({
      name: 'holdfast_retries_total',
      help: 'Failed tries that will be followed by another, by kind of failure.',
      labelNames: ['queue', 'reason'],
      registers,
    });
    this.seconds = new Histogram({
      name: 'holdfast_processing_seconds',
      help: 'From receiving a message to settling it; releases are left out.',
      labelNames: ['queue'],
      buckets: SECONDS,
      registers,
    });
  }

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
