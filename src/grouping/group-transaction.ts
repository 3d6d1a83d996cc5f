import { Injectable } from '@nestjs/common';
import { classifySqlError, Database, type HandlerTransaction } from '../database/database.module';
import {
  InboxStore,
  judgeClaim,
  lossOf,
  type InboxKey,
  type LastStatement,
} from '../idempotency/idempotency.module';
import { HandlerTimeoutError, ShutdownError, type Outcome } from '../message/message.module';

/** A group that meets somebody else's lock gives up sooner than a message by itself: everybody in it waits. */
const LOCK_TIMEOUT_MS = 1_000;

export interface Claimant {
  /** Undefined for a message that has no id and may be handled without one: it takes no row. */
  readonly key: InboxKey | undefined;
}

/** Somebody else's transaction holds a row of the group for longer than this one may wait. */
export class ClaimBlockedError extends Error {
  override readonly name = 'ClaimBlockedError';
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
   * What it returns is written at the commit.
   * @throws TransactionLostError as for a message by itself. @throws ClaimBlockedError
   */
  async run<Member extends Claimant>(
    group: readonly Member[],
    handle: (claimed: readonly Member[], transaction: HandlerTransaction) => Promise<LastStatement>,
  ): Promise<GroupOutcomes<Member>> {
    const transaction = await this.database.openHandlerTransaction();
    try {
      const outcomes = await this.claim(transaction, group);
      const claimed = group.filter((member) => !outcomes.has(member));
      if (claimed.length === 0) {
        await transaction.rollback();
        return outcomes;
      }
      const { write, committed } = await handle(claimed, transaction);
      const result = await transaction.commit(write());
      if (result) committed(result);
      for (const member of claimed) outcomes.set(member, { kind: 'completed' });
      return outcomes;
    } catch (error) {
      // A handler may still be using the connection; a rollback would queue up behind its statement.
      if (error instanceof HandlerTimeoutError || error instanceof ShutdownError) await transaction.abort();
      else await transaction.rollback();
      throw lossOf(transaction, error);
    }
  }

  /** Lets go of the rows of members that have failed by themselves, in the transaction that has taken them for them. */
  async giveBack(transaction: HandlerTransaction, members: readonly Claimant[]): Promise<void> {
    await this.inbox.giveBackClaims(transaction, keysOf(members));
  }

  /** @returns what is known already of those whose rows could not be taken. */
  private async claim<Member extends Claimant>(
    transaction: HandlerTransaction,
    group: readonly Member[],
  ): Promise<Map<Member, Outcome | 'again'>> {
    const keys = keysOf(group);
    const outcomes = new Map<Member, Outcome | 'again'>();
    if (keys.length === 0) {
      await this.inbox.begin(transaction);
      return outcomes;
    }
    if (await this.takesAll(transaction, keys)) return outcomes;
    const rows = await this.inbox.readClaims(transaction, keys);
    for (const member of group) {
      const row = member.key && rows.get(member.key.transactionId);
      if (!member.key || row?.mine) continue;
      const judged = judgeClaim(row, member.key);
      if (judged !== 'take-over') outcomes.set(member, judged);
      else if (!(await this.inbox.takeOver(transaction, member.key, row?.copy_token ?? null)))
        outcomes.set(member, 'again');
    }
    return outcomes;
  }

  private async takesAll(transaction: HandlerTransaction, keys: readonly InboxKey[]): Promise<boolean> {
    const { lockTimeoutMs } = this.database;
    const patience = keys.length === 1 ? lockTimeoutMs : Math.min(LOCK_TIMEOUT_MS, lockTimeoutMs);
    try {
      return (await this.inbox.beginWithClaims(transaction, patience, keys)) === keys.length;
    } catch (error) {
      if (classifySqlError(error) !== 'lock-timeout') throw error;
      throw new ClaimBlockedError('another transaction holds a row of this group', { cause: error });
    }
  }
}

function keysOf(members: readonly Claimant[]): InboxKey[] {
  return members.flatMap(({ key }) => (key ? [key] : []));
}
