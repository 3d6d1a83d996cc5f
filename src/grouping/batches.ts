import { setTimeout as sleep } from 'node:timers/promises';
import { Gatherer, type HandlerTransaction } from '../database/database.module';
import type { LastStatement } from '../idempotency/idempotency.module';
import { HandlerTimeoutError, type Outcome } from '../message/message.module';
import { bisect, type GroupFailure } from './bisect';
import { ClaimBlockedError, type Claimant, type GroupTransaction } from './group-transaction';
import { Seat, type BatchEnd } from './seat';

/** One message on its way through a batch. */
export interface BatchMember extends Claimant {
  /** It was there when its process died: a batch of its own, so that a killer is found. */
  readonly isSuspect: boolean;
  /** It was aborted: nobody waits for what becomes of it here. */
  readonly isAborted: boolean;
}

/** One call of the handler. */
export interface BatchCall<Member> {
  /** @returns those that failed by themselves, and wrote nothing. @throws what the batch failed with. */
  run(): Promise<ReadonlyMap<Member, unknown>>;
  /** What is written at the commit of its transaction. */
  last(): LastStatement;
}

export interface BatchesParts<Member> {
  /** Undefined where there is no transaction. */
  readonly groups: GroupTransaction | undefined;
  /** The most messages of one batch. */
  readonly size: number;
  /** How many batches may begin at once. */
  readonly lanes: number;
  readonly call: (members: readonly Member[], transaction?: HandlerTransaction) => BatchCall<Member>;
  /** Losing a race between transactions: the same batch succeeds when it is run again. */
  readonly isContention: (error: unknown) => boolean;
  /** The infrastructure failed, or the process stops: no message has done it. */
  readonly isNobodys: (error: unknown) => boolean;
}

/** How often a loser of a race is run again at once. */
const CONTENTION_REDOS = 3;
/** A row that changes under our eyes more often than this is somebody else's for now. */
const LOOKS = 3;
const DEFER_MS = 5_000;
const COMPLETED: Outcome = { kind: 'completed' };

/**
 * The messages of one handler in batches of what is waiting: one call of the handler and one transaction for each batch. A batch that fails
 * is bisected outside the lanes, so that nobody else waits for what is found there.
 */
export class Batches<Member extends BatchMember> {
  private readonly line: Gatherer<Seat<Member>, undefined>;

  constructor(private readonly parts: BatchesParts<Member>) {
    this.line = new Gatherer((seats) => this.begin(seats), {
      most: parts.size,
      atOnce: parts.lanes,
      identityOf: (seat) => seat.member?.key?.transactionId ?? seat,
    });
  }

  /** @param seat where it was before, when it comes back for another run. @returns what becomes of it; never rejects. */
  runOnce(member: Member, seat?: Seat<Member>): Promise<BatchEnd<Member>> {
    if (seat) return seat.take(member);
    const first = new Seat<Member>();
    const end = first.take(member);
    void (member.isSuspect ? this.begin([first]) : this.line.add(first));
    return end;
  }

  private async begin(seats: readonly Seat<Member>[]): Promise<undefined[]> {
    const failure = await this.run(seats);
    if (failure) void this.bisect(seats, failure);
    return seats.map(() => undefined);
  }

  private bisect(seats: readonly Seat<Member>[], failure: GroupFailure): Promise<void> {
    return bisect(seats, failure, {
      run: (half) => this.run(half),
      blame: (blamed, { error }) => {
        for (const seat of blamed) seat.end({ kind: 'failed', error });
      },
      isTimeout: ({ error }) => error instanceof HandlerTimeoutError,
    });
  }

  /** @returns what it failed with as a whole; otherwise each seat has got its end. Never rejects. */
  private async run(seats: readonly Seat<Member>[]): Promise<GroupFailure | undefined> {
    for (let races = 0; ; races++) {
      const present = await comeBack(seats);
      try {
        const again = await this.runPresent(present);
        if (again.length > 0) await this.lookAgain(again);
        return undefined;
      } catch (error) {
        if (this.parts.isNobodys(error)) {
          for (const seat of present) seat.end({ kind: 'failed', error });
          return undefined;
        }
        if (error instanceof ClaimBlockedError) return this.judgeBlocked(present, error);
        if (!this.parts.isContention(error) || races >= CONTENTION_REDOS) return { error };
        await sleep(Math.random() * 20 * 2 ** (races + 1));
      }
    }
  }

  /** @returns those whose row has to be looked at again. @throws what the batch failed with as a whole. */
  private async runPresent(seats: readonly Seat<Member>[]): Promise<Seat<Member>[]> {
    if (seats.length === 0) return [];
    const members = new Map<Member, Seat<Member>>();
    for (const seat of seats) {
      if (seat.member) members.set(seat.member, seat);
      seat.use();
    }
    const ends = await this.callOnce([...members.keys()]);
    const again: Seat<Member>[] = [];
    for (const [member, seat] of members) {
      const end = ends.get(member) ?? 'again';
      if (end === 'again') again.push(seat);
      else seat.end(end);
    }
    return again;
  }

  private async callOnce(members: readonly Member[]): Promise<Map<Member, BatchEnd<Member> | 'again'>> {
    const { groups } = this.parts;
    let failures: ReadonlyMap<Member, unknown> = new Map();
    let ends: Map<Member, BatchEnd<Member> | 'again'>;
    if (groups) {
      const outcomes = await groups.run(members, async (claimed, transaction) => {
        const call = this.parts.call(claimed, transaction);
        failures = await call.run();
        // Alone it needs no promise that it wrote nothing.
        if (claimed.length === 1) for (const error of failures.values()) throw error;
        await groups.giveBack(transaction, [...failures.keys()]);
        return call.last();
      });
      ends = new Map(outcomes);
    } else {
      failures = await this.parts.call(members).run();
      ends = new Map(members.map((member) => [member, COMPLETED]));
    }
    for (const [member, error] of failures) ends.set(member, { kind: 'failed', error });
    return ends;
  }

  private async lookAgain(seats: readonly Seat<Member>[]): Promise<void> {
    const patient = seats.filter((seat) => ++seat.looks < LOOKS);
    for (const seat of seats) {
      if (seat.looks >= LOOKS) seat.end({ kind: 'defer', reason: 'busy', delayMs: DEFER_MS });
    }
    const failure = await this.run(patient);
    if (failure) await this.bisect(patient, failure);
  }

  /** Somebody else's transaction holds a row: whose it is shows when the message is alone. */
  private judgeBlocked(seats: readonly Seat<Member>[], error: unknown): GroupFailure | undefined {
    if (seats.length > 1) return { error };
    for (const seat of seats) seat.end({ kind: 'defer', reason: 'twin-running', delayMs: DEFER_MS });
    return undefined;
  }
}

/** @returns those that sit there as they came; the others have come to their end on the way. */
async function comeBack<Member extends BatchMember>(
  seats: readonly Seat<Member>[],
): Promise<readonly Seat<Member>[]> {
  const waited = seats.filter((seat) => seat.member?.isAborted === false);
  if (waited.every((seat) => seat.isFresh)) return waited;
  const back = await Promise.all(waited.map((seat) => seat.renew()));
  return waited.filter((_, i) => back[i]);
}
