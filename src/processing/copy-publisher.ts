import { Injectable, Logger } from '@nestjs/common';
import {
  BrokerConnections,
  copyOf,
  RefusedError,
  UnpublishableError,
  UnroutableError,
  type CopyHeaders,
} from '../broker/broker.module';
import { InjectConfig, type BrokerConfig } from '../config/config.module';
import { EventBus } from '../message/message.module';
import { DelayTiers, names } from '../topology/topology.module';
import { insist, type Insisted } from './insist';
import type { Settling } from './settling';

/** Publishes copies of deliveries until the broker has confirmed and routed them. */
@Injectable()
export class CopyPublisher {
  private readonly logger = new Logger(CopyPublisher.name);

  constructor(
    @InjectConfig('broker') private readonly config: BrokerConfig,
    private readonly broker: BrokerConnections,
    private readonly tiers: DelayTiers,
    private readonly events: EventBus,
  ) {}

  /** A copy that comes back to the work queue after the delay, or after the first hop of it. */
  delayed(settling: Settling, delayMs: number, ours: CopyHeaders): Promise<Insisted> {
    const { delivery } = settling.received;
    // Of the first try: an earlier one that went unconfirmed may have reached the tier as well.
    const sentAt = performance.now();
    const publish = async (): Promise<void> => {
      const { exchange, hopMs, leftMs } = await this.tiers.nextHop(delayMs);
      const copy = { ...ours, dueAt: Date.now() + delayMs, delayLeftMs: leftMs };
      await this.broker.copies.publish(copyOf(delivery, exchange, delivery.queue, copy));
      const copyToken = ours.token;
      if (copyToken === undefined) return;
      this.events.emit('copy.delayed', { tier: exchange, delayMs: hopMs, copyToken, sentAt });
    };
    // Somebody has deleted a tier: forgotten, it is declared again by the next try.
    return this.insist(settling, publish, () => {
      this.tiers.forget();
      return Promise.resolve();
    });
  }

  deadLetter(settling: Settling, ours: CopyHeaders): Promise<Insisted> {
    const { delivery } = settling.received;
    const exchange = names.dead(this.config.namespace);
    const publish = (): Promise<void> =>
      this.broker.copies.publish(copyOf(delivery, exchange, delivery.queue, ours));
    return this.insist(settling, publish, settling.restore);
  }

  private insist(
    { received, stop }: Settling,
    work: () => Promise<void>,
    repair: () => Promise<void>,
  ): Promise<Insisted> {
    const gate = this.broker.publisherGate;
    return insist({
      received,
      stop,
      gate,
      work,
      judge: async (error) => {
        if (error instanceof UnpublishableError) return false;
        if (error instanceof UnroutableError) await this.repair(error, repair);
        // One full queue is no reason to hold back the copies for the others.
        else if (error instanceof RefusedError) this.tellOfRefusal(error);
        else gate.reportFailure(error);
        return true;
      },
    });
  }

  private tellOfRefusal(error: RefusedError): void {
    const { exchange, routingKey } = error;
    this.events.emit('publication.failed', { exchange, routingKey, error });
  }

  /** The broker is there and our own exchange or queue is not. */
  private async repair(error: UnroutableError, repair: () => Promise<void>): Promise<void> {
    const { exchange, routingKey } = error;
    this.events.emit('publication.failed', { exchange, routingKey, error });
    await repair().catch((failure: unknown) => {
      this.logger.warn(`could not restore what "${exchange}" needs: ${String(failure)}`);
    });
  }
}
