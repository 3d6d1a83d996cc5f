import { Injectable } from '@nestjs/common';
import { BrokerConnections, UnconfirmedError } from '../broker/broker.module';
import { Database, Gatherer } from '../database/database.module';
import { EventBus } from '../message/message.module';
import { inOrder } from './in-order';
import type { OutboxRow } from './outbox-write.store';
import { OutboxStore, type Failure } from './outbox.store';

/** Rows of one statement; nobody waits for what is deleted. */
const DELETES = { most: 500, turns: 10 };
const FAILURES = { most: 500 };

/**
 * Hands bundles to the broker and takes from the table what it has confirmed. Deletes and failures of all bundles under way are gathered into
 * statements of many rows: this is the purge of the outbox, and what a crash leaves of it comes again with the sweep.
 */
@Injectable()
export class BundleSender {
  private readonly deletes: Gatherer<string, undefined>;
  private readonly failures: Gatherer<Failure, undefined>;

  constructor(
    private readonly broker: BrokerConnections,
    store: OutboxStore,
    private readonly database: Database,
    private readonly events: EventBus,
  ) {
    this.deletes = new Gatherer(async (rows) => {
      await store.delete(rows);
      return new Array<undefined>(rows.length);
    }, DELETES);
    this.failures = new Gatherer(async (rows) => {
      await store.recordFailures(rows);
      return new Array<undefined>(rows.length);
    }, FAILURES);
  }

  /**
   * Resolves when what could be sent is confirmed and deleted. Never throws: what is left is in the table.
   * @param mayBegin false: whoever takes these rows next may be about to.
   */
  async send(bundle: readonly OutboxRow[], mayBegin: () => boolean): Promise<void> {
    const settling: Promise<void>[] = [];
    const { failed } = await inOrder(
      bundle,
      ({ publication }) => this.broker.outgoing.publish(publication),
      // Published but not deleted: it is sent again under the same message id.
      ({ sequence }) => settling.push(this.settle(this.deletes.add(sequence))),
      mayBegin,
    );
    if (failed && !this.isAway(failed.error)) settling.push(this.fail(failed.row, failed.error));
    await Promise.all(settling);
  }

  /** The broker is away or blocks: that is no failure of the message. It is tried again as soon as the time of its taker is over. */
  private isAway(error: unknown): boolean {
    return error instanceof UnconfirmedError && this.broker.outgoing.unavailable !== undefined;
  }

  private fail({ sequence, publication }: OutboxRow, error: unknown): Promise<void> {
    const { exchange, routingKey } = publication;
    this.events.emit('publication.failed', { exchange, routingKey, error });
    return this.settle(this.failures.add({ sequence, error }));
  }

  private async settle(statement: Promise<unknown>): Promise<void> {
    try {
      await statement;
    } catch (error) {
      this.database.gate.reportFailure(error);
    }
  }
}
