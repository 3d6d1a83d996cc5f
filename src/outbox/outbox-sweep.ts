import { Injectable, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { BrokerConnections } from '../broker/broker.module';
import { InjectConfig, type BrokerConfig } from '../config/config.module';
import { Database } from '../database/database.module';
import { settleWithin } from '../message/message.module';
import { BundleSender } from './bundle-sender';
import { OutboxStore, START } from './outbox.store';

const INTERVAL_MS = 2_000;
const PAGE = { rows: 500, bytes: 16 * 1_024 * 1_024 };
/** How long after taking a page the last publication of it may begin; the lease covers that, its confirm, and the statement after it. */
const BEGIN_MS = 10_000;
const SLACK_MS = 10_000;
/** What a shutdown waits for confirms. */
const SETTLE_MS = 5_000;

/**
 * Publishes what is left in the outbox, by whatever process: it died, the broker was away, or a publication was not taken. Replicas share
 * the rows page by page; nobody holds more than one.
 */
@Injectable()
export class OutboxSweep implements OnApplicationBootstrap, OnModuleDestroy {
  private timer: NodeJS.Timeout | undefined;
  private stopped = false;
  private sweeping: Promise<void> = Promise.resolve();

  constructor(
    @InjectConfig('broker') private readonly config: BrokerConfig,
    private readonly broker: BrokerConnections,
    private readonly store: OutboxStore,
    private readonly sender: BundleSender,
    private readonly database: Database,
  ) {}

  onApplicationBootstrap(): void {
    this.schedule();
  }

  async onModuleDestroy(): Promise<void> {
    this.stopped = true;
    clearTimeout(this.timer);
    await settleWithin(this.sweeping, SETTLE_MS);
  }

  /** One pass over everything that is due. @returns how many rows it took. */
  async sweep(): Promise<number> {
    const page = { ...PAGE, leaseMs: BEGIN_MS + this.config.publishTimeoutMs + SLACK_MS };
    let taken = 0;
    for (let cursor = START; this.mayGoOn;) {
      // From before the lease begins.
      const begun = performance.now();
      const claimed = await this.store.claimDue(cursor, page);
      if (!claimed) break;
      const mayBegin = (): boolean => this.mayGoOn && performance.now() - begun < BEGIN_MS;
      await Promise.all(claimed.bundles.map((bundle) => this.sender.send(bundle, mayBegin)));
      taken += claimed.bundles.reduce((sum, { length }) => sum + length, 0);
      cursor = claimed.cursor;
    }
    return taken;
  }

  private get mayGoOn(): boolean {
    return !this.stopped && this.database.available && this.broker.outgoing.unavailable === undefined;
  }

  private schedule(): void {
    if (this.stopped) return;
    this.timer = setTimeout(() => {
      this.sweeping = this.sweepQuietly();
    }, INTERVAL_MS);
  }

  private async sweepQuietly(): Promise<void> {
    try {
      // Until a pass finds nothing: the rest of a long bundle is due again behind the cursor.
      while (this.mayGoOn && (await this.sweep()) > 0);
    } catch (error) {
      this.database.gate.reportFailure(error);
    }
    this.schedule();
  }
}
