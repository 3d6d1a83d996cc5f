import {
  Gatherer,
  TransactionLostError,
  type HandlerAccess,
  type HandlerTransaction,
} from '../database/database.module';
import type { InboxKey, LastStatement } from '../idempotency/idempotency.module';
import { HandlerTimeoutError, settleWithin, ShutdownError, type Outcome } from '../message/message.module';
import type { Claimant, GroupTransaction } from './group-transaction';
import { InterleavedError, Turns } from './turns';

/** The group was rolled back: everything about the message has to be done anew, by itself or in another group. */
export type Redo = 'redo-alone' | 'redo-together';

/** One message's part in a group. */
export interface SharedMember extends Claimant {
  readonly key: InboxKey;
  /** Runs the handler. Rejects with what it throws, or was aborted with. @param timed whether its own clock runs. */
  readonly run: (access: HandlerAccess, timed: boolean) => Promise<void>;
  readonly abort: (reason: unknown) => void;
}

export interface SharedCommitParts<Member> {
  readonly groups: GroupTransaction;
  /** The most messages of one group. */
  readonly groupSize: number;
  /** How long handlers that run at the same time may take together, in milliseconds. */
  readonly timeoutMs: number;
  /** What is written at the commit of these. */
  readonly last: (group: readonly Member[]) => LastStatement;
  /** Called once, when a handler turns out to send its statements one after another. */
  readonly onInterleaved: () => void;
}

type Ended = Outcome | Redo | { readonly kind: 'failed'; readonly error: unknown };
type Failures = Map<SharedMember, unknown>;

/** While one group is at its commit another one runs. */
const LANES = 2;
/** Of groups. */
const SMALLEST = 2;

/**
 * Many messages of one consumer in one transaction with one commit. If anything fails in it, it is rolled back and each of its messages is
 * run again by itself: a bad one costs its neighbours a second run, and is judged only by what it does alone.
 *
 * The handlers of a group run at the same time and their statements travel together, as long as each handler sends all of its statements
 * at once. When one does not, the group is redone, and from then on handlers run one after another (`Turns` says why).
 */
export class SharedCommit<Member extends SharedMember> {
  private readonly line: Gatherer<Member, Ended>;
  /** Halved by every group that fails, doubled by every other. */
  private limit: number;
  /** How many messages are still to be run alone, because even the smallest groups failed. */
  private refusals = 0;
  private atOnce = true;

  constructor(private readonly parts: SharedCommitParts<Member>) {
    this.limit = parts.groupSize;
    this.line = new Gatherer((group) => this.run(group), {
      most: () => this.limit,
      atOnce: LANES,
      identityOf: ({ key }) => key.transactionId,
    });
  }

  /** False where the next message is better run alone: where nearly all fail, second runs would be most of the work. */
  accepts(): boolean {
    if (this.refusals === 0) return true;
    this.refusals--;
    return false;
  }

  /** As `TransactionalMode.runOnce`, in one transaction with whatever else is waiting. */
  async runOnce(member: Member): Promise<Outcome | Redo> {
    const ended = await this.line.add(member);
    if (typeof ended === 'object' && ended.kind === 'failed') throw ended.error;
    return ended;
  }

  private async run(group: readonly Member[]): Promise<Ended[]> {
    const failures: Failures = new Map();
    try {
      const outcomes = await this.parts.groups.run(group, async (claimed, transaction) => {
        if (this.atOnce) await this.runAtOnce(claimed, transaction, failures);
        else await this.runInTurn(claimed, transaction, failures);
        return this.parts.last(claimed);
      });
      this.limit = Math.min(this.parts.groupSize, this.limit * 2);
      return group.map((member) => {
        const outcome = outcomes.get(member) ?? 'again';
        return outcome === 'again' ? 'redo-alone' : outcome;
      });
    } catch (error) {
      return this.judge(group, failures, error);
    }
  }

  private judge(group: readonly SharedMember[], failures: Failures, error: unknown): Ended[] {
    // The database is away, or has not said whether it committed: each has to be looked up again when it is back.
    if (error instanceof TransactionLostError) return group.map(() => ({ kind: 'failed', error }));
    if (error instanceof InterleavedError) {
      if (this.atOnce) this.parts.onInterleaved();
      this.atOnce = false;
      return group.map(() => 'redo-together');
    }
    if (this.limit === SMALLEST && group.length > 1) this.refusals = this.parts.groupSize;
    this.limit = Math.max(SMALLEST, Math.floor(this.limit / 2));
    return group.map((member) => {
      const failure = failures.get(member);
      // Its own doing, whoever was in the group: a second run would take as long again.
      const isOwn = failure instanceof HandlerTimeoutError || failure instanceof ShutdownError;
      return isOwn || group.length === 1 ? { kind: 'failed', error: failure ?? error } : 'redo-alone';
    });
  }

  private async runAtOnce(
    group: readonly SharedMember[],
    transaction: HandlerTransaction,
    failures: Failures,
  ): Promise<void> {
    const turns = new Turns<SharedMember>();
    transaction.gatherThisTurn();
    const running = new Set(group);
    // All of them to their end: one that still ran would meet its own second run.
    const ending = Promise.all(
      group.map(async (member) => {
        const access = transaction.member(() => {
          turns.take(member);
        });
        await member.run(access, false).catch((error: unknown) => failures.set(member, error));
        running.delete(member);
      }),
    );
    // One clock for all: who waits for a neighbour's statement must not pay for it with an attempt.
    if (!(await settleWithin(ending, this.parts.timeoutMs))) {
      const error = new HandlerTimeoutError(this.parts.timeoutMs);
      for (const member of running) member.abort(error);
      await ending;
      failures.clear();
      throw error;
    }
    if (turns.isBroken) throw new InterleavedError();
    throwFirst(failures);
  }

  private async runInTurn(
    group: readonly SharedMember[],
    transaction: HandlerTransaction,
    failures: Failures,
  ): Promise<void> {
    for (const member of group) {
      const access = transaction.member(() => undefined);
      await member.run(access, true).catch((error: unknown) => failures.set(member, error));
      // What it has not awaited must not come between the statements of the next.
      access.close();
      throwFirst(failures);
    }
  }
}

function throwFirst(failures: ReadonlyMap<unknown, unknown>): void {
  for (const failure of failures.values()) throw failure;
}
