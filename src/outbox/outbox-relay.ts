import { Injectable, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { BrokerConnections } from '../broker/broker.module';
import { Database } from '../database/database.module';
import { EventBus } from '../message/message.module';
import { OutboxStore, type OutboxRow } from './outbox.store';

const SWEEP_MS = 2_000;
const SWEEP_ROWS = 200;

/** Publishes what handlers wrote to the outbox: at once after the commit, and by the sweep of any replica when that process died. */
@Injectable()
export class OutboxRelay implements OnApplicationBootstrap, OnModuleDestroy {
  private timer: NodeJS.Timeout | undefined;
  private stopped = false;
  private readonly running = new Set<Promise<void>>();

  constructor(
    private readonly broker: BrokerConnections,
    private readonly store: OutboxStore,
    private readonly database: Database,
    private readonly events: EventBus,
  ) {}

  onApplicationBootstrap(): void {
    this.scheduleSweep();
  }

  async onModuleDestroy(): Promise<void> {
    this.stopped = true;
    clearTimeout(this.timer);
    await this.settled();
  }

  /** Publishes committed rows in their order. Returns at once; what fails is left to the sweep. */
  relay(rows: readonly OutboxRow[]): void {
    if (rows.length === 0) return;
    const work: Promise<void> = this.publish(rows).finally(() => this.running.delete(work));
    this.running.add(work);
  }

  /** Resolves when everything handed over so far is published or left to the sweep. */
  async settled(): Promise<void> {
    await Promise.all(this.running);
  }

  /** One sweep. @returns how many rows it took. */
  async sweep(): Promise<number> {
    const rows = await this.store.claimDue(SWEEP_ROWS);
    await this.publish(rows);
    return rows.length;
  }

  private async publish(rows: readonly OutboxRow[]): Promise<void> {
    const results = await Promise.allSettled(
      rows.map(({ publication }) => this.broker.outgoing.publish(publication)),
    );
    try {
      await this.store.delete(
        rows.filter((_, i) => results[i]?.status === 'fulfilled').map(({ sequence }) => sequence),
      );
      for (const [i, result] of results.entries()) {
        const row = rows[i];
        if (result.status === 'fulfilled' || !row) continue;
        const { exchange, routingKey } = row.publication;
        this.events.emit('publication.failed', { exchange, routingKey, error: result.reason });
        await this.store.recordFailure(row.sequence, String(result.reason));
      }
    } catch (error) {
      // Published but not deleted: the sweep sends it again under the same message id.
      this.database.gate.reportFailure(error);
    }
  }

  private scheduleSweep(): void {
    if (this.stopped) return;
    this.timer = setTimeout(() => {
      const work: Promise<void> = this.sweepQuietly().finally(() => {
        this.running.delete(work);
        this.scheduleSweep();
      });
      this.running.add(work);
    }, SWEEP_MS);
  }

  private async sweepQuietly(): Promise<void> {
    if (!this.database.available || this.broker.outgoing.unavailable !== undefined) return;
    try {
      while ((await this.sweep()) === SWEEP_ROWS && !this.stopped);
    } catch (error) {
      this.database.gate.reportFailure(error);
    }
  }
}
