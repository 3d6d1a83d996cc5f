import { Injectable, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import { InjectConfig, type IdempotencyConfig } from '../config/config.module';
import { classifySqlError, Database } from '../database/database.module';
import { LeaseLostError, type Lease } from './lease';
import { LeaseStore } from './lease.store';

/** How often the leases are looked at in the time of one. */
const LOOKS = 12;

/**
 * Lengthens the leases of running handlers, all in one statement, each when a third of it is over; and ends the handler of one that is
 * lost. Most handlers are done long before and never meet it.
 */
@Injectable()
export class Heartbeat implements OnModuleInit, OnApplicationShutdown {
  private readonly leases = new Set<Lease>();
  private readonly lookMs: number;
  private timer: NodeJS.Timeout | undefined;
  private renewing = false;

  constructor(
    private readonly store: LeaseStore,
    private readonly database: Database,
    @InjectConfig('idempotency') private readonly config: IdempotencyConfig,
  ) {
    this.lookMs = config.leaseMs / LOOKS;
  }

  onModuleInit(): void {
    this.timer = setInterval(() => {
      this.look();
    }, this.lookMs);
  }

  /** Not before: handlers run on in the grace of a shutdown. */
  onApplicationShutdown(): void {
    clearInterval(this.timer);
  }

  keep(lease: Lease): void {
    this.leases.add(lease);
  }

  letGo(lease: Lease): void {
    this.leases.delete(lease);
  }

  private look(): void {
    const now = performance.now();
    const due: Lease[] = [];
    for (const lease of this.leases) {
      // Before its end, not after: nobody else can have it yet when its handler is told to stop.
      if (lease.until - now <= this.lookMs) this.lose(lease, 'it could not be renewed in time');
      else if (lease.until - now <= (this.config.leaseMs * 2) / 3) due.push(lease);
    }
    if (due.length > 0 && !this.renewing && this.database.available) void this.renew(due);
  }

  private async renew(leases: readonly Lease[]): Promise<void> {
    this.renewing = true;
    const sentAt = performance.now();
    try {
      const renewed = await this.store.renew(leases);
      for (const lease of leases) {
        if (renewed.has(lease.token)) lease.until = sentAt + this.config.leaseMs;
        else if (this.leases.has(lease)) this.lose(lease, 'another process has taken the message over');
      }
    } catch (error) {
      // A loser of a race tries again at the next look.
      const failure = classifySqlError(error);
      if (failure !== 'lock-timeout' && failure !== 'contention') this.database.gate.reportFailure(error);
    } finally {
      this.renewing = false;
    }
  }

  private lose(lease: Lease, why: string): void {
    this.leases.delete(lease);
    lease.lose(new LeaseLostError(lease, why));
  }
}
