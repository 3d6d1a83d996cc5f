import { Injectable } from '@nestjs/common';
import { BrokerConnections } from '../broker/broker.module';
import { InjectConfig, type BrokerConfig } from '../config/config.module';
import { nextTier } from './delay-walk';
import { names, tierPlan } from './plan';
import { TopologyDeclarer } from './topology-declarer';

/** Finds, and declares where needed, the exchange that holds a copy for a while. */
@Injectable()
export class DelayTiers {
  private readonly declared = new Map<number, Promise<void>>();
  private readonly ownTiers = new Set<number>();
  /** Every tier that may hold a copy of this process. */
  private readonly used = new Set<number>();

  constructor(
    @InjectConfig('broker') private readonly config: BrokerConfig,
    private readonly declarer: TopologyDeclarer,
    broker: BrokerConnections,
  ) {
    // Another broker, or the same one restored from nothing, may have none of them.
    broker.consume.onConnected(() => {
      this.declared.clear();
    });
  }

  /** Declares the tiers of a policy, so that each of its delays is one hop. */
  async prepare(delaysMs: readonly number[]): Promise<void> {
    for (const ms of delaysMs) {
      this.ownTiers.add(ms);
      await this.ensure(ms);
    }
  }

  /** The exchange for the next hop of a delay, how long that hop takes, and the milliseconds that will be left after it. */
  async nextHop(delayMs: number): Promise<{ exchange: string; hopMs: number; leftMs: number }> {
    const hopMs = nextTier(delayMs, this.ownTiers);
    await this.ensure(hopMs);
    return {
      exchange: names.tier(this.config.namespace, hopMs),
      hopMs,
      leftMs: Math.max(0, delayMs - hopMs),
    };
  }

  /** The durations of the tiers this process has used, in milliseconds. */
  all(): readonly number[] {
    return [...this.used];
  }

  /** Declares all of them again, now: somebody has deleted one. */
  async restore(): Promise<void> {
    this.forget();
    for (const ms of this.used) await this.ensure(ms);
  }

  /** Forgets what was declared: somebody has deleted a tier. */
  forget(): void {
    this.declared.clear();
  }

  private ensure(ms: number): Promise<void> {
    this.used.add(ms);
    const known = this.declared.get(ms);
    if (known) return known;
    const declaring = this.declarer.declare(tierPlan(this.config.namespace, ms)).then(() => undefined);
    this.declared.set(ms, declaring);
    declaring.catch(() => {
      if (this.declared.get(ms) === declaring) this.declared.delete(ms);
    });
    return declaring;
  }
}
