import { Injectable } from '@nestjs/common';
import { BrokerConnections } from '../broker/broker.module';
import { settleWithin } from '../message/message.module';
import { BundleSender } from './bundle-sender';
import type { OutboxRow } from './outbox-write.store';

/** Rows are this process's own for ten seconds after they were written; half of that is for confirms. */
const BEGIN_MS = 5_000;
/** What is under way at most. Beyond that rows rest in the table, where they cost no memory, until a sweep takes them. */
const MOST = { rows: 5_000, bytes: 32 * 1_024 * 1_024 };
/** What a shutdown waits for confirms. */
const SETTLE_MS = 5_000;

/** Publishes what handlers wrote to the outbox at once after the commit. What it cannot is left to the sweep of any replica. */
@Injectable()
export class OutboxRelay {
  private readonly running = new Set<Promise<void>>();
  private rows = 0;
  private bytes = 0;
  private leaving = false;

  constructor(
    private readonly broker: BrokerConnections,
    private readonly sender: BundleSender,
  ) {}

  /**
   * Publishes the committed rows of one handled message, in their order. Returns at once.
   * @param madeAt when their write was made: a commit may be answered late.
   */
  relay(bundle: readonly OutboxRow[], madeAt: number): void {
    if (bundle.length === 0) return;
    const bytes = bundle.reduce((sum, { publication }) => sum + publication.body.length, 0);
    if (!this.hasRoom(bundle.length, bytes) || this.broker.outgoing.unavailable !== undefined) return;
    this.rows += bundle.length;
    this.bytes += bytes;
    const mayBegin = (): boolean => !this.leaving && performance.now() - madeAt < BEGIN_MS;
    const work: Promise<void> = this.sender.send(bundle, mayBegin).finally(() => {
      this.rows -= bundle.length;
      this.bytes -= bytes;
      this.running.delete(work);
    });
    this.running.add(work);
  }

  /** Resolves when everything handed over so far is published or left to the sweep: within seconds, whatever the broker does. */
  async settled(): Promise<void> {
    const all = Promise.all(this.running);
    await settleWithin(all, SETTLE_MS);
    // Bundles that are not through keep their order: the sweep begins where they stopped.
    this.leaving = true;
    await settleWithin(all, SETTLE_MS);
  }

  private hasRoom(rows: number, bytes: number): boolean {
    return this.rows === 0 || (this.rows + rows <= MOST.rows && this.bytes + bytes <= MOST.bytes);
  }
}
