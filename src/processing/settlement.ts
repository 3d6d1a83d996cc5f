import { randomUUID } from 'node:crypto';
import { Injectable, Logger } from '@nestjs/common';
import type { CopyHeaders } from '../broker/broker.module';
import { classifySqlError, Database } from '../database/database.module';
import { InboxStore, judgeClaim, type InboxKey } from '../idempotency/idempotency.module';
import { describeError, Rejected, type Outcome } from '../message/message.module';
import { CopyPublisher } from './copy-publisher';
import { insist, type Insisted } from './insist';
import type { Settled, Settling } from './settling';

type Copying = Extract<Outcome, { kind: 'retry' | 'dead-letter' }>;

/** The row of a message was rewritten between two looks at it. */
class RowChangedError extends Error {
  override readonly name = 'RowChangedError';
}

/**
 * One branch per outcome. The acknowledgement is always the last step: what must outlive the message is committed, or confirmed by the
 * broker in another queue, before. Dying between any two steps leaves a state that the next delivery resolves (`idempotency/claim`).
 */
@Injectable()
export class Settlement {
  private readonly logger = new Logger(Settlement.name);

  constructor(
    private readonly database: Database,
    private readonly inbox: InboxStore,
    private readonly copies: CopyPublisher,
  ) {}

  settle(settling: Settling): Settled | Promise<Settled> {
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
      const recorded = await this.insist(settling, () => this.inbox.recordDiscard(key, outcome.reason));
      if (recorded !== 'done') return released(settling);
    }
    return this.acknowledge(settling, outcome);
  }

  /** Later, and no attempt used: the same copy once more, by way of a short delay. */
  private async defer(settling: Settling, outcome: Extract<Outcome, { kind: 'defer' }>): Promise<Settled> {
    const { attempt, copyToken: token } = settling.received.delivery;
    const sent = await this.copies.delayed(settling, outcome.delayMs, { failedAttempts: attempt - 1, token });
    if (sent === 'in-vain')
      return this.cannotCopy(settling, { kind: 'retry', delayMs: 0, reason: outcome.reason });
    return sent === 'done' ? this.acknowledge(settling, outcome) : released(settling);
  }

  /** Recorded → published → confirmed → recorded as confirmed → acknowledged. */
  private async copy(settling: Settling, outcome: Copying): Promise<Settled> {
    const key = ownRow(settling.key, outcome);
    // Without a row of its own the copy keeps the token it came with: that still owns the row of the earlier try.
    const token = outcome.recorded?.token ?? (key ? randomUUID() : settling.received.delivery.copyToken);
    if (key && token !== undefined && !outcome.recorded) {
      const recorded = await this.record(settling, key, outcome, token);
      if (recorded === 'gave-up') return released(settling);
      if (recorded !== 'recorded') return this.settle({ ...settling, outcome: recorded });
    }
    const sent = await this.publish(settling, outcome, token);
    if (sent === 'gave-up') return released(settling);
    if (sent === 'in-vain')
      return this.cannotCopy({ ...settling, key: key && { ...key, copyToken: token } }, outcome);
    if (key && token !== undefined) {
      // Not insisted on: unconfirmed in the table, a late twin sends the same copy again, and its token makes it one.
      await this.inbox.confirmCopy(key, token).catch((error: unknown) => {
        if (classifySqlError(error) !== 'lock-timeout') this.database.gate.reportFailure(error);
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
    const recorded = await this.insist(settling, async () => {
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
      // With headers that leave no room for a copy, standing aside is not possible either: it waits here until the twin has ended.
      const mustWait = typeof found !== 'string' && found.kind === 'defer' && outcome.reason === 'too-large';
      if (typeof found === 'string' || mustWait)
        throw new RowChangedError('the inbox row is another one’s, or changed while it was read');
      judged = found;
    });
    if (recorded !== 'done') return 'gave-up';
    return judged ?? 'recorded';
  }

  private publish(settling: Settling, outcome: Copying, token: string | undefined): Promise<Insisted> {
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
    if (outcome.kind === 'retry') return this.copies.delayed(settling, outcome.delayMs, ours);
    return this.copies.deadLetter(settling, {
      ...ours,
      ...(error?.stack !== undefined && { stack: error.stack }),
    });
  }

  /**
   * The producer's headers leave no room for ours: it cannot be retried, so it is a dead letter; and where even that copy cannot be made,
   * the broker dead-letters the message itself.
   */
  private async cannotCopy(settling: Settling, outcome: Copying): Promise<Settled> {
    const { received, key, rejectsToDeadLetters } = settling;
    if (outcome.kind === 'retry') {
      const error = new Rejected(
        'too-large',
        `the headers leave no room for those of a retry (${outcome.reason}); let the producer put less into headers`,
      );
      return this.settle({ ...settling, outcome: { kind: 'dead-letter', reason: 'too-large', error } });
    }
    if (rejectsToDeadLetters()) {
      // What the broker moves carries no token of ours; without the row it can be put back and runs again.
      if (key) {
        const forgotten = await this.insist(settling, () => this.inbox.forget(key));
        if (forgotten !== 'done') return released(settling);
      }
      return { outcome, acknowledged: received.channel.reject(received.tag) };
    }
    this.logger.error(
      `a message of "${received.delivery.queue}" can neither be handled nor copied, and the queue has no dead-letter exchange: it stays unacknowledged. Give the queue one by a policy`,
    );
    return released(settling);
  }

  private insist({ received, stop }: Settling, work: () => Promise<void>): Promise<Insisted> {
    const { gate } = this.database;
    const { queue } = received.delivery;
    return insist({
      received,
      stop,
      gate,
      work,
      judge: (error) => {
        const failure = classifySqlError(error);
        if (failure === 'statement') {
          this.logger.error(
            `the inbox refused a row of "${queue}", which stays with the broker: ${String(error)}`,
          );
        } else if (!isTwinsDoing(failure, error)) gate.reportFailure(error);
        return Promise.resolve(true);
      },
    });
  }
}

/** A twin holds the row, or has just changed it: the database is well, and the next look finds out. */
function isTwinsDoing(failure: ReturnType<typeof classifySqlError>, error: unknown): boolean {
  return failure === 'lock-timeout' || failure === 'contention' || error instanceof RowChangedError;
}

/** An id that was used for another body is that other message's row. */
function ownRow(key: InboxKey | undefined, outcome: Copying): InboxKey | undefined {
  return outcome.kind === 'dead-letter' && outcome.reason === 'transaction-id-conflict' ? undefined : key;
}

function released({ stop }: Settling): Settled {
  return { outcome: { kind: 'release', reason: stop.aborted ? 'shutdown' : 'channel' }, acknowledged: false };
}
