import { Injectable } from '@nestjs/common';
import { Database, TransactionLostError, type HandlerTransaction } from '../database/database.module';
import { InboxStore, judgeClaim, type InboxKey, type LastStatement } from '../idempotency/idempotency.module';
import { HandlerTimeoutError, ShutdownError, type Outcome } from '../message/message.module';

/** A group that meets somebody else's lock gives up sooner than a message by itself: everybody in it waits. */
const LOCK_TIMEOUT_MS = 1_000;

export interface Claimant {
  readonly key: InboxKey;
}

/** What a group came to: the outcome of each; `again` has to be looked at by itself. */
export type GroupOutcomes<Member> = ReadonlyMap<Member, Outcome | 'again'>;

/** One transaction for the messages of a group, with one commit: all take effect, or none does. */
@Injectable()
export class GroupTransaction {
  constructor(
    private readonly database: Database,
    private readonly inbox: InboxStore,
  ) {}

  /**
   * @param group messages of one consumer, each transaction id once.
   * @param handle gets those whose rows could be taken, if any; what it throws rolls everything back and comes out as it was thrown.
   * @param last what is written at the commit.
   * @throws TransactionLostError as for a message by itself.
   */
  async run<Member extends Claimant>(
    group: readonly Member[],
    handle: (claimed: readonly Member[], transaction: HandlerTransaction) => Promise<void>,
    last: (claimed: readonly Member[]) => LastStatement,
  ): Promise<GroupOutcomes<Member>> {
    const transaction = await this.database.openHandlerTransaction();
    try {
      const outcomes = await this.claim(transaction, group);
      const claimed = group.filter((member) => !outcomes.has(member));
      if (claimed.length === 0) {
        await transaction.rollback();
        return outcomes;
      }
      await handle(claimed, transaction);
      const { write, committed } = last(claimed);
      const result = await transaction.commit(write());
      if (result) committed(result);
      for (const member of claimed) outcomes.set(member, { kind: 'completed' });
      return outcomes;
    } catch (error) {
      // A handler may still be using the connection; a rollback would queue up behind its statement.
      if (error instanceof HandlerTimeoutError || error instanceof ShutdownError) await transaction.abort();
      else await transaction.rollback();
      throw transaction.lost && !(error instanceof TransactionLostError)
        ? new TransactionLostError(`the database connection was lost: ${transaction.lost.message}`, {
            cause: error,
          })
        : error;
    }
  }

  /** @returns what is known already of those whose rows could not be taken. */
  private async claim<Member extends Claimant>(
    transaction: HandlerTransaction,
    group: readonly Member[],
  ): Promise<Map<Member, Outcome | 'again'>> {
    const keys = group.map(({ key }) => key);
    const outcomes = new Map<Member, Outcome | 'again'>();
    const lockTimeoutMs = Math.min(LOCK_TIMEOUT_MS, this.database.lockTimeoutMs);
    if ((await this.inbox.beginWithClaims(transaction, lockTimeoutMs, keys)) === group.length)
      return outcomes;
    const rows = await this.inbox.readClaims(transaction, keys);
    for (const member of group) {
      const row = rows.get(member.key.transactionId);
      if (row?.mine) continue;
      const judged = judgeClaim(row, member.key);
      // By itself it asks whether the process that held the row has died of it.
      outcomes.set(member, judged === 'take-over' ? 'again' : judged);
    }
    return outcomes;
  }
}
