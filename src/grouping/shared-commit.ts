import {
  TransactionLostError,
  type HandlerAccess,
  type HandlerTransaction,
} from '../database/database.module';
import { HandlerTimeoutError, ShutdownError, type Outcome } from '../message/message.module';
import type { Claimant, GroupTransaction } from './group-transaction';
import { InterleavedError, Turns } from './turns';
import { WaitingLine } from './waiting-line';

/** The group was rolled back: everything about the message has to be done anew, by itself or in another group. */
export type Redo = 'redo-alone' | 'redo-together';

/** One message's part in a group. */
export interface SharedMember extends Claimant {
  /** Runs the handler. Rejects with what it throws, or was aborted with. @param timed whether its own clock runs. */
  readonly run: (access: HandlerAccess, timed: boolean) => Promise<void>;
  readonly abort: (reason: unknown) => void;
}

export interface SharedCommitParts {
  readonly groups: GroupTransaction;
  /** The most messages of one group. */
  readonly groupSize: number;
  /** How long handlers that run at the same time may take together, in milliseconds. */
  readonly timeoutMs: number;
  /** Called once, when a handler turns out to send its statements one after another. */
  readonly onInterleaved: () => void;
}

interface Waiting {
  readonly member: SharedMember;
  readonly key: SharedMember['key'];
  readonly resolve: (outcome: Outcome | Redo) => void;
  readonly reject: (error: unknown) => void;
}

type Failures = Map<Waiting, unknown>;

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
export class SharedCommit {
  private readonly line: WaitingLine<Waiting>;
  /** Halved by every group that fails, doubled by every other. */
  private limit: number;
  /** How many messages are still to be run alone, because even the smallest groups failed. */
  private refusals = 0;
  private atOnce = true;

  constructor(private readonly parts: SharedCommitParts) {
    this.limit = parts.groupSize;
    this.line = new WaitingLine<Waiting>({
      limit: () => this.limit,
      lanes: LANES,
      identityOf: ({ key }) => key.transactionId,
      run: (group) => this.run(group),
    });
  }

  /** False where the next message is better run alone: where nearly all fail, second runs would be most of the work. */
  accepts(): boolean {
    if (this.refusals === 0) return true;
    this.refusals--;
    return false;
  }

  /** As `TransactionalMode.runOnce`, in one transaction with whatever else is waiting. */
  runOnce(member: SharedMember): Promise<Outcome | Redo> {
    return new Promise((resolve, reject) => {
      this.line.join({ member, key: member.key, resolve, reject });
    });
  }

  private async run(group: readonly Waiting[]): Promise<void> {
    const failures: Failures = new Map();
    try {
      const outcomes = await this.parts.groups.run(group, (claimed, transaction) =>
        this.atOnce
          ? this.runAtOnce(claimed, transaction, failures)
          : this.runInTurn(claimed, transaction, failures),
      );
      this.limit = Math.min(this.parts.groupSize, this.limit * 2);
      for (const waiting of group) {
        const outcome = outcomes.get(waiting) ?? 'again';
        waiting.resolve(outcome === 'again' ? 'redo-alone' : outcome);
      }
    } catch (error) {
      this.judge(group, failures, error);
    }
  }

  private judge(group: readonly Waiting[], failures: Failures, error: unknown): void {
    // The database is away, or has not said whether it committed: each has to be looked up again when it is back.
    if (error instanceof TransactionLostError) {
      for (const { reject } of group) reject(error);
      return;
    }
    if (error instanceof InterleavedError) {
      if (this.atOnce) this.parts.onInterleaved();
      this.atOnce = false;
      for (const { resolve } of group) resolve('redo-together');
      return;
    }
    if (this.limit === SMALLEST && group.length > 1) this.refusals = this.parts.groupSize;
    this.limit = Math.max(SMALLEST, Math.floor(this.limit / 2));
    for (const waiting of group) {
      const failure = failures.get(waiting);
      // Its own doing, whoever was in the group: a second run would take as long again.
      const isOwn = failure instanceof HandlerTimeoutError || failure instanceof ShutdownError;
      if (isOwn || group.length === 1) waiting.reject(failure ?? error);
      else waiting.resolve('redo-alone');
    }
  }

  private async runAtOnce(
    group: readonly Waiting[],
    transaction: HandlerTransaction,
    failures: Failures,
  ): Promise<void> {
    const turns = new Turns<Waiting>();
    transaction.gatherThisTurn();
    const runs = group.map((waiting) =>
      waiting.member.run(
        transaction.member(() => {
          turns.take(waiting);
        }),
        false,
      ),
    );
    let isLate = false;
    // One clock for all: who waits for a neighbour's statement must not pay for it with an attempt.
    const clock = setTimeout(() => {
      isLate = true;
      for (const { member } of group) member.abort(new HandlerTimeoutError(this.parts.timeoutMs));
    }, this.parts.timeoutMs);
    // All of them to their end: one that still ran would meet its own second run.
    const ends = await Promise.allSettled(runs);
    clearTimeout(clock);
    if (isLate) throw new HandlerTimeoutError(this.parts.timeoutMs);
    if (turns.isBroken) throw new InterleavedError();
    for (const [i, end] of ends.entries()) {
      const waiting = group[i];
      if (waiting && end.status === 'rejected') failures.set(waiting, end.reason);
    }
    throwFirst(failures);
  }

  private async runInTurn(
    group: readonly Waiting[],
    transaction: HandlerTransaction,
    failures: Failures,
  ): Promise<void> {
    for (const waiting of group) {
      const access = transaction.member(() => undefined);
      await waiting.member.run(access, true).catch((error: unknown) => failures.set(waiting, error));
      // What it has not awaited must not come between the statements of the next.
      access.close();
      throwFirst(failures);
    }
  }
}

function throwFirst(failures: ReadonlyMap<unknown, unknown>): void {
  for (const failure of failures.values()) throw failure;
}
