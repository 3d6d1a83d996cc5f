import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { Injectable, Logger } from '@nestjs/common';
import {
  BrokerConnections,
  copyOf,
  UnroutableError,
  type ChannelDelivery,
  type CopyHeaders,
} from '../broker/broker.module';
import { InjectConfig, type BrokerConfig } from '../config/config.module';
import { classifySqlError, Database } from '../database/database.module';
import { InboxStore, judgeClaim, type InboxKey } from '../idempotency/idempotency.module';
import { backoffMs, describeError, EventBus, type Outcome } from '../message/message.module';
import { DelayTiers, names } from '../topology/topology.module';

/** An outcome to be carried out, and everything its copy has to say. */
export interface Settling {
  readonly received: ChannelDelivery;
  readonly outcome: Outcome;
  readonly key: InboxKey | undefined;
  readonly handler: string | undefined;
  /** Declares the consumer's queues again; called when its dead-letter queue turns out to be gone. */
  readonly restore: () => Promise<void>;
  /** Aborted at the end of the shutdown grace: what is not settled by then goes back to the broker. */
  readonly stop: AbortSignal;
}

export interface Settled {
  /** The outcome that was carried out; another one where somebody else had settled the message meanwhile. */
  readonly outcome: Outcome;
  readonly acknowledged: boolean;
}

type Copying = Extract<Outcome, { kind: 'retry' | 'dead-letter' }>;

/**
 * One branch per outcome. The acknowledgement is always the last step: what must outlive the message is committed, or confirmed by the
 * broker in another queue, before. Dying between any two steps leaves a state that the next delivery resolves (`idempotency/claim`).
 */
@Injectable()
export class Settlement {
  private readonly logger = new Logger(Settlement.name);

  constructor(
    @InjectConfig('broker') private readonly config: BrokerConfig,
    private readonly broker: BrokerConnections,
    private readonly database: Database,
    private readonly inbox: InboxStore,
    private readonly tiers: DelayTiers,
    private readonly events: EventBus,
  ) {}

  async settle(settling: Settling): Promise<Settled> {
    const { outcome } = settling;
    switch (outcome.kind) {
      case 'completed':
      case 'duplicate':
        return this.acknowledge(settling, outcome);
      case 'discard':
        return this.discard(settling, outcome);
      case 'defer':
        return this.defer(settling, outcome);
      case 'retry':
      case 'dead-letter':
        return this.copy(settling, outcome);
      case 'release':
        return { outcome, acknowledged: false };
      default: {
        const impossible: never = outcome;
        throw new Error(`no such outcome: ${JSON.stringify(impossible)}`);
      }
    }
  }

  private acknowledge({ received }: Settling, outcome: Outcome): Settled {
    return { outcome, acknowledged: received.channel.acknowledge(received.tag) };
  }

  private async discard(
    settling: Settling,
    outcome: Extract<Outcome, { kind: 'discard' }>,
  ): Promise<Settled> {
    const { key } = settling;
    if (key) {
      const recorded = await this.insist(
        settling,
        () => this.inbox.recordDiscard(key, outcome.reason),
        'database',
      );
      if (!recorded) return released(settling);
    }
    return this.acknowledge(settling, outcome);
  }

  /** Later, and no attempt used: the same copy once more, by way of a short delay. */
  private async defer(settling: Settling, outcome: Extract<Outcome, { kind: 'defer' }>): Promise<Settled> {
    const { delivery } = settling.received;
    const sent = await this.publishDelayed(settling, outcome.delayMs, {
      failedAttempts: delivery.attempt - 1,
      token: delivery.copyToken,
    });
    return sent ? this.acknowledge(settling, outcome) : released(settling);
  }

  /** Recorded → published → confirmed → recorded as confirmed → acknowledged. */
  private async copy(settling: Settling, outcome: Copying): Promise<Settled> {
    const { key } = settling;
    const recorded = outcome.recorded;
    // An id that was used for another body is that other message's row.
    const ownsRow =
      key !== undefined && !(outcome.kind === 'dead-letter' && outcome.reason === 'transaction-id-conflict');
    const token = recorded?.token ?? randomUUID();
    if (key && ownsRow && !recorded) {
      const wrote = await this.record(settling, key, outcome, token);
      if (wrote === 'gave-up') return released(settling);
      if (wrote !== 'recorded') return this.settle({ ...settling, outcome: wrote });
    }
    if (!(await this.publishCopy(settling, outcome, token))) return released(settling);
    if (key && ownsRow) {
      // Not insisted on: unconfirmed in the table, a late twin sends the same copy again, and its token makes it one.
      await this.inbox.confirmCopy(key, token).catch((error: unknown) => {
        this.database.gate.reportFailure(error);
      });
    }
    return this.acknowledge(settling, outcome);
  }

  /** @returns what the message has become meanwhile, when the row is no longer ours. */
  private async record(
    settling: Settling,
    key: InboxKey,
    outcome: Copying,
    token: string,
  ): Promise<'recorded' | 'gave-up' | Outcome> {
    let judged: Outcome | undefined;
    const error = outcome.error === undefined ? undefined : describeError(outcome.error);
    const done = await this.insist(
      settling,
      async () => {
        const mine = await this.inbox.recordCopy(key, {
          state: outcome.kind === 'retry' ? 'retrying' : 'dead',
          token,
          failedAttempts: settling.received.delivery.attempt,
          delayMs: outcome.kind === 'retry' ? outcome.delayMs : undefined,
          reason: outcome.reason,
          error: error && `${error.name}: ${error.message}`.slice(0, 1_000),
          handler: settling.handler,
        });
        if (mine) return;
        const found = judgeClaim(await this.inbox.peek(key), key);
        if (found === 'again') throw new Error('the inbox row changed while it was read');
        judged = found;
      },
      'database',
    );
    if (!done) return 'gave-up';
    return judged ?? 'recorded';
  }

  private publishCopy(settling: Settling, outcome: Copying, token: string): Promise<boolean> {
    const now = new Date().toISOString();
    const error = outcome.error === undefined ? undefined : describeError(outcome.error);
    const ours: CopyHeaders = {
      failedAttempts: outcome.recorded?.failedAttempts ?? settling.received.delivery.attempt,
      token,
      reason: outcome.reason,
      firstFailedAt: now,
      lastFailedAt: now,
      ...(error && { error: `${error.name}: ${error.message}` }),
      ...(settling.handler !== undefined && { handler: settling.handler }),
    };
    return outcome.kind === 'retry'
      ? this.publishDelayed(settling, outcome.delayMs, ours)
      : this.publishDeadLetter(settling, {
          ...ours,
          ...(error?.stack !== undefined && { stack: error.stack }),
        });
  }

  private publishDelayed(settling: Settling, delayMs: number, ours: CopyHeaders): Promise<boolean> {
    const { delivery } = settling.received;
    return this.insist(
      settling,
      async () => {
        const { exchange, leftMs } = await this.tiers.nextHop(delayMs);
        const copy = { ...ours, dueAt: Date.now() + delayMs, delayLeftMs: leftMs };
        await this.broker.copies.publish(copyOf(delivery, exchange, delivery.queue, copy));
      },
      'publisher',
      () => {
        this.tiers.forget();
        return Promise.resolve();
      },
    );
  }

  private publishDeadLetter(settling: Settling, ours: CopyHeaders): Promise<boolean> {
    const { delivery } = settling.received;
    const exchange = names.dead(this.config.namespace);
    return this.insist(
      settling,
      () => this.broker.copies.publish(copyOf(delivery, exchange, delivery.queue, ours)),
      'publisher',
      settling.restore,
    );
  }

  /**
   * Does `work` until it is done. While it fails the delivery stays unacknowledged and its consumer pauses (by the gate): no nack, so that
   * no delivery count rises and nothing loops.
   * @returns false when it was given up: the channel is gone or the process is stopping, and the broker has the message.
   */
  private async insist(
    { received, stop }: Settling,
    work: () => Promise<void>,
    dependency: 'database' | 'publisher',
    repair: () => Promise<void> = () => Promise.resolve(),
  ): Promise<boolean> {
    const gate = dependency === 'database' ? this.database.gate : this.broker.publisherGate;
    for (let failures = 0; ;) {
      if (failures > 0)
        await sleep(backoffMs(failures, 50, 10_000), undefined, { signal: stop }).catch(() => undefined);
      await gate.whenAvailable(stop);
      if (stop.aborted || !received.channel.isOpen) return false;
      try {
        await work();
        return true;
      } catch (error) {
        failures++;
        await this.judge(error, received, gate, repair);
      }
    }
  }

  private async judge(
    error: unknown,
    { delivery }: ChannelDelivery,
    gate: Database['gate'],
    repair: () => Promise<void>,
  ): Promise<void> {
    if (error instanceof UnroutableError) {
      this.events.emit('publication.failed', {
        exchange: error.exchange,
        routingKey: error.routingKey,
        error,
      });
      await repair().catch((failure: unknown) => {
        this.logger.warn(`could not restore what "${error.exchange}" needs: ${String(failure)}`);
      });
    } else if (classifySqlError(error) === 'statement') {
      this.logger.error(
        `the inbox refused a row of "${delivery.queue}", which stays with the broker: ${String(error)}`,
      );
    } else gate.reportFailure(error);
  }
}

function released({ stop }: Settling): Settled {
  return { outcome: { kind: 'release', reason: stop.aborted ? 'shutdown' : 'channel' }, acknowledged: false };
}
