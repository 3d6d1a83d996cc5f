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

  /** The exchange for the next hop of a delay, and the milliseconds that will be left after it. */
  async nextHop(delayMs: number): Promise<{ exchange: string; leftMs: number }> {
    const tier = nextTier(delayMs, this.ownTiers);
    await this.ensure(tier);
    return { exchange: names.tier(this.config.namespace, tier), leftMs: Math.max(0, delayMs - tier) };
  }

  /** Forgets what was declared: somebody has deleted a tier. */
  forget(): void {
    this.declared.clear();
  }

  private ensure(ms: number): Promise<void> {
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
