import { Injectable, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { InjectConfig, type IdempotencyConfig } from '../config/config.module';
import { Database } from '../database/database.module';
import { EventBus } from '../message/message.module';
import { InboxStore } from './inbox.store';
import { SuspectDeliveryStore } from './suspect-delivery.store';

const BATCH = 1_000;
/** Between two batches, so that a purge never competes with the load. */
const PAUSE_MS = 100;

/** Forgets handled messages after the retention time, in small batches. */
@Injectable()
export class Retention implements OnApplicationBootstrap, OnModuleDestroy {
  private timer: NodeJS.Timeout | undefined;
  private stopped = false;
  private sweeping: Promise<void> = Promise.resolve();

  constructor(
    @InjectConfig('idempotency') private readonly config: IdempotencyConfig,
    private readonly inbox: InboxStore,
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
    await this.sweeping;
  }

  /** One batch. @returns how many messages were forgotten. */
  async sweep(): Promise<number> {
    const rows = await this.inbox.purge(this.config.retentionMs, BATCH);
    this.tell('inbox_message', rows);
    this.tell('suspect_delivery', await this.suspects.purge());
    return rows;
  }

  private tell(table: string, rows: number): void {
    if (rows > 0) this.events.emit('retention.swept', { table, rows });
  }

  private schedule(delayMs: number): void {
    if (this.stopped) return;
    this.timer = setTimeout(() => {
      this.sweeping = this.sweepQuietly();
    }, delayMs);
  }

  private async sweepQuietly(): Promise<void> {
    let more = false;
    try {
      more = this.database.available && (await this.sweep()) === BATCH;
    } catch (error) {
      this.database.gate.reportFailure(error);
    }
    this.schedule(more ? PAUSE_MS : this.config.sweepIntervalMs);
  }
}
