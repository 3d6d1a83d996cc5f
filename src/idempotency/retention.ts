import { Injectable, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { InjectConfig, type IdempotencyConfig } from '../config/config.module';
import { Database } from '../database/database.module';
import { EventBus } from '../message/message.module';
import { InboxSweepStore, type SweepPace, type SweepStep } from './inbox-sweep.store';
import { SuspectDeliveryStore } from './suspect-delivery.store';

/** What a message notices of the retention is bounded by these, however much is due. */
const PACE = {
  rows: 1_000,
  /** 8 MB, some 50 000 rows. */
  pages: 1_024,
  /** A step is a fifth of the time: one connection at work, four times as long at rest. */
  pauseFactor: 4,
  /** Reading what is not due takes at most two hundredths of the time of one connection. */
  restFactor: 50,
} satisfies Partial<SweepPace>;

/**
 * Forgets handled messages after the retention time: sweeps the inbox in small steps, at once and again while there is something
 * due, and never in more than its share of the database's time.
 */
@Injectable()
export class Retention implements OnApplicationBootstrap, OnModuleDestroy {
  private timer: NodeJS.Timeout | undefined;
  private stopped = false;
  private stepping: Promise<void> = Promise.resolve();
  private suspectsDueAt = 0;

  constructor(
    @InjectConfig('idempotency') private readonly config: IdempotencyConfig,
    private readonly inbox: InboxSweepStore,
    private readonly suspects: SuspectDeliveryStore,
    private readonly database: Database,
    private readonly events: EventBus,
  ) {}

  onApplicationBootstrap(): void {
    this.schedule(this.config.sweepIntervalMs);
  }

  async onModuleDestroy(): Promise<void> {
    this.stopped = true;
    clearTimeout(this.timer);
    await this.stepping;
  }

  /** One step of the sweep. @returns undefined when it is not yet time for one, or another replica is at it. */
  async step(): Promise<SweepStep | undefined> {
    const { retentionMs, sweepIntervalMs } = this.config;
    const step = await this.inbox.step({ ...PACE, olderThanMs: retentionMs, restMs: sweepIntervalMs });
    if (step) this.tell('inbox_message', step.rows);
    return step;
  }

  /** Once in an interval, however many steps are made in it. */
  private async forgetSuspects(): Promise<void> {
    if (performance.now() < this.suspectsDueAt) return;
    this.tell('suspect_delivery', await this.suspects.purge());
    this.suspectsDueAt = performance.now() + this.config.sweepIntervalMs;
  }

  private tell(table: string, rows: number): void {
    if (rows > 0) this.events.emit('retention.swept', { table, rows });
  }

  private schedule(delayMs: number): void {
    if (this.stopped) return;
    this.timer = setTimeout(() => {
      this.stepping = this.stepQuietly();
    }, delayMs);
  }

  private async stepQuietly(): Promise<void> {
    const { sweepIntervalMs } = this.config;
    let waitMs = sweepIntervalMs;
    try {
      if (this.database.available) {
        const step = await this.step();
        // Another replica may die in the middle of a sweep, and then this one goes on within the interval.
        waitMs = Math.min(step?.waitMs ?? sweepIntervalMs, sweepIntervalMs);
        await this.forgetSuspects();
      }
    } catch (error) {
      this.database.gate.reportFailure(error);
    }
    this.schedule(waitMs);
  }
}
