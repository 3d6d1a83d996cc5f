import fc from 'fast-check';
import type { Outcome } from '../message/message.module';
import { judgeClaim, type InboxClaimRow, type InboxKey, type InboxState } from './claim';

const BODY = Buffer.from('body');
const TRIES = 3;
const LOOKS = 3;

/** One copy of the message, as a queue holds it. */
interface Copy {
  readonly token: string | undefined;
  readonly failedAttempts: number;
}

type Judged = Exclude<ReturnType<typeof judgeClaim>, 'again' | 'take-over'>;

/** How a delivery is handled. `before`: by the version of Holdfast that did not know rows in state `running`, during a deploy. */
type Mode = 'transactional' | 'batch' | 'lease' | 'before';

interface Row extends InboxClaimRow {
  readonly version: number;
}

/** A delivery in hand. */
interface Hand {
  readonly copy: Copy;
  readonly mode: Mode;
  /** What the row must carry to be this delivery's: the copy's token, or that of its claim. */
  owned: string | undefined;
}

/**
 * The broker, the inbox row and the processes between them, for one message. What the statements of the stores and the settlement do is
 * written out in steps, and a process may die after any of them, or stand still for longer than a lease.
 */
class House {
  readonly queue: Copy[] = [];
  readonly deadLetters: Copy[] = [];
  readonly running: { readonly hand: Hand; readonly steps: Generator<undefined, void> }[] = [];
  row: Row | undefined;
  /** Committed, or completed under a lease. */
  done = 0;
  /** Runs of a handler under a lease: what it does outside has no transaction. */
  runs = 0;
  /** Leases that ended before their holder had. */
  expired = 0;
  /** Whose open transaction has written the row; a twin is not told what it says before that has ended. */
  private lock: Hand | undefined;
  private tokens = 0;

  /** @param failures how often the handler fails before it succeeds. @param modes of the deliveries, in turn. */
  constructor(
    private failures: number,
    private readonly modes: readonly Mode[],
  ) {}

  send(): void {
    this.queue.push({ token: undefined, failedAttempts: 0 });
  }

  deliver(which: number): void {
    const [copy] = this.queue.splice(which % Math.max(1, this.queue.length), 1);
    if (!copy) return;
    const mode = this.modes[which % this.modes.length] ?? 'lease';
    const hand: Hand = { copy, mode, owned: copy.token };
    this.running.push({ hand, steps: this.process(hand) });
  }

  step(which: number): void {
    const at = which % Math.max(1, this.running.length);
    if (this.running[at]?.steps.next().done) this.running.splice(at, 1);
  }

  /** The process dies: what it had committed or published stays, its transaction is rolled back, its delivery comes again. */
  crash(which: number): void {
    const [dead] = this.running.splice(which % Math.max(1, this.running.length), 1);
    if (!dead) return;
    if (this.lock === dead.hand) this.lock = undefined;
    this.queue.push(dead.hand.copy);
  }

  /** Time passes without a heartbeat: its holder is dead, or stands still. */
  expire(): void {
    if (this.row?.state !== 'running' || this.row.due_in_ms === 0) return;
    this.row = { ...this.row, due_in_ms: 0 };
    this.expired++;
  }

  /** Where the message is: it must always be somewhere. */
  get isKept(): boolean {
    return this.queue.length + this.running.length + this.deadLetters.length + this.done > 0;
  }

  get holderIsGone(): boolean {
    return !this.running.some(({ hand }) => hand.owned === this.row?.copy_token);
  }

  private *process(hand: Hand): Generator<undefined, void> {
    const outcome =
      hand.mode === 'lease' ? yield* this.attemptUnderLease(hand) : yield* this.attemptInTransaction(hand);
    yield* this.settle(hand, outcome);
  }

  private *attemptInTransaction(hand: Hand): Generator<undefined, Judged> {
    for (let look = 0; look < LOOKS; look++) {
      if (this.isLocked()) return TWIN;
      if (this.owns(hand)) return yield* this.runInTransaction(hand);
      yield;
      const judged = this.judge(hand);
      if (judged === 'take-over' && !this.isLocked() && this.isUpForGrabs)
        return yield* this.runInTransaction(hand);
      yield;
      if (typeof judged !== 'string') return judged;
    }
    return BUSY;
  }

  /** The handler, in the transaction that has claimed the row. */
  private *runInTransaction(hand: Hand): Generator<undefined, Judged> {
    this.lock = hand;
    yield;
    this.lock = undefined;
    if (this.failures-- > 0) {
      if (hand.mode === 'batch') {
        // Its transaction commits for the others all the same, and gives back what it has claimed for this one.
        const { token, failedAttempts } = hand.copy;
        this.row = undefined;
        if (token !== undefined) {
          this.write('retrying', token, failedAttempts);
          const { row } = this as { row: Row };
          this.row = { ...row, copy_confirmed: true };
        }
        yield;
      }
      return failureOf(hand);
    }
    this.done++;
    this.write('completed', null, hand.copy.failedAttempts);
    yield;
    return { kind: 'completed' };
  }

  private *attemptUnderLease(hand: Hand): Generator<undefined, Judged> {
    for (let look = 0, insert = hand.owned === undefined; look < LOOKS; look++) {
      if (this.isLocked()) return TWIN;
      if (insert && !this.row) return yield* this.runUnderLease(hand);
      const found = this.row;
      yield;
      insert = !found;
      if (!found) continue;
      const judged = judgeClaim(found, keyOf(hand.owned));
      yield;
      if (typeof judged !== 'string') return judged;
      if (this.isLocked()) return TWIN;
      if (this.row?.version === found.version && (found.state !== 'running' || this.isUpForGrabs))
        return yield* this.runUnderLease(hand);
    }
    return BUSY;
  }

  private *runUnderLease(hand: Hand): Generator<undefined, Judged> {
    hand.owned = `claim ${++this.tokens}`;
    this.write('running', hand.owned, this.row?.failed_attempts ?? 0);
    const version = this.row?.version;
    yield;
    this.runs++;
    yield;
    if (this.failures-- > 0) return failureOf(hand);
    while (this.isLocked()) yield;
    const { row } = this;
    if (row?.version === version && row?.copy_token === hand.owned) {
      this.done++;
      this.row = { ...rowOf('completed', null, row.failed_attempts), version: row.version };
      yield;
      return { kind: 'completed' };
    }
    yield;
    const judged = judgeClaim(this.row, keyOf(hand.owned));
    return typeof judged === 'string' ? BUSY : judged;
  }

  private *settle(hand: Hand, outcome: Judged): Generator<undefined, void> {
    if (outcome.kind === 'defer') this.queue.push(hand.copy);
    if (outcome.kind === 'retry' || outcome.kind === 'dead-letter') yield* this.copy(hand, outcome);
    yield;
    // Acknowledged: with the end of these steps the delivery is gone.
  }

  /** Recorded → published → recorded as confirmed. */
  private *copy(
    hand: Hand,
    outcome: Extract<Outcome, { kind: 'retry' | 'dead-letter' }>,
  ): Generator<undefined, void> {
    const { token, failedAttempts } = outcome.recorded ?? {
      token: `copy ${++this.tokens}`,
      failedAttempts: hand.copy.failedAttempts + 1,
    };
    if (!outcome.recorded) {
      const judged = yield* this.record(
        hand,
        outcome.kind === 'retry' ? 'retrying' : 'dead',
        token,
        failedAttempts,
      );
      if (judged) {
        yield* this.settle(hand, judged);
        return;
      }
    }
    (outcome.kind === 'retry' ? this.queue : this.deadLetters).push({ token, failedAttempts });
    yield;
    if (this.row?.copy_token === token) this.row = { ...this.row, copy_confirmed: true };
    yield;
  }

  /** @returns what the message has become meanwhile, when the row is no longer this delivery's. */
  private *record(
    hand: Hand,
    state: InboxState,
    token: string,
    failedAttempts: number,
  ): Generator<undefined, Judged | undefined> {
    for (;;) {
      while (this.isLocked()) yield;
      if (this.owns(hand) || (hand.mode !== 'before' && this.isUpForGrabs)) {
        this.write(state, token, failedAttempts);
        yield;
        return undefined;
      }
      yield;
      const judged = this.judge(hand);
      yield;
      if (typeof judged !== 'string') return judged;
    }
  }

  private judge({ mode, owned }: Hand): ReturnType<typeof judgeClaim> {
    if (mode !== 'before' || this.row?.state !== 'running') return judgeClaim(this.row, keyOf(owned));
    // To it, every state that it does not know is that of a row whose copy is on its way.
    return judgeClaim({ ...this.row, state: 'retrying' }, keyOf(owned));
  }

  private write(state: InboxState, token: string | null, failedAttempts: number): void {
    this.row = { ...rowOf(state, token, failedAttempts), version: (this.row?.version ?? 0) + 1 };
  }

  /** A call, which the compiler does not take for unchanged after a step. */
  private isLocked(): boolean {
    return this.lock !== undefined;
  }

  private get isUpForGrabs(): boolean {
    return this.row?.state === 'running' && this.row.due_in_ms === 0;
  }

  /** As the statements say: there is no row, or it waits for this very delivery. */
  private owns({ owned, mode }: Hand): boolean {
    if (!this.row) return true;
    if (owned === undefined || this.row.copy_token !== owned) return false;
    return mode !== 'transactional' || this.row.state !== 'running' || this.isUpForGrabs;
  }
}

const TWIN: Judged = { kind: 'defer', reason: 'twin-running', delayMs: 1 };
const BUSY: Judged = { kind: 'defer', reason: 'busy', delayMs: 1 };

function failureOf({ copy }: Hand): Judged {
  return copy.failedAttempts + 1 < TRIES
    ? { kind: 'retry', delayMs: 1, reason: 'Error' }
    : { kind: 'dead-letter', reason: 'attempts-exhausted' };
}

function keyOf(token: string | undefined): InboxKey {
  return { consumer: 'orders', transactionId: 't-1', bodyHash: BODY, copyToken: token };
}

function rowOf(state: InboxState, token: string | null, failedAttempts: number): InboxClaimRow {
  return {
    state,
    body_hash: BODY,
    failed_attempts: failedAttempts,
    copy_token: token,
    copy_confirmed: false,
    due_in_ms: dueOf(state),
    reason: null,
  };
}

/** A lease is alive until `expire`; a copy is always due. */
function dueOf(state: InboxState): number | null {
  if (state === 'running') return 1;
  return state === 'retrying' || state === 'dead' ? 0 : null;
}

const move = fc.tuple(
  fc.oneof(
    { weight: 6, arbitrary: fc.constant('step' as const) },
    { weight: 3, arbitrary: fc.constant('deliver' as const) },
    { weight: 2, arbitrary: fc.constant('crash' as const) },
    { weight: 2, arbitrary: fc.constant('expire' as const) },
  ),
  fc.nat(20),
);

describe('one message between crashing processes, by the judgement of its row', () => {
  it.each<[string, Mode[]]>([
    ['in transactions', ['transactional']],
    ['in batches', ['batch']],
    ['in batches and in transactions', ['batch', 'transactional']],
    ['under leases', ['lease']],
    ['under leases and in transactions', ['lease', 'transactional']],
    ['under leases, by a deploy’s new version and by its old one', ['lease', 'before']],
  ])('is never lost, and ends completed once or as one dead letter: %s', (_, modes) => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 3 }),
        fc.nat(5),
        fc.array(move, { maxLength: 120, size: 'max' }),
        (sent, failures, moves) => {
          const house = new House(failures, modes);
          for (let i = 0; i < sent; i++) house.send();
          for (const [kind, which] of moves) {
            house[kind](which);
            // Not by `expect`, which takes longer than all the rest.
            if (house.done > 1 || !house.isKept)
              throw new Error(`${house.done} times done, kept: ${String(house.isKept)}`);
          }
          // Nobody dies any more, and the leases of the dead come to their end, as does everything else.
          for (let turns = 0; house.queue.length + house.running.length > 0; turns++) {
            if (turns > 2_000) throw new Error('it goes round in circles');
            if (house.holderIsGone) house.expire();
            house.deliver(0);
            for (let i = house.running.length; i > 0; i--) house.step(turns);
          }
          // The same copy may lie there twice, and its token makes it one.
          const parked = new Set(house.deadLetters.map(({ token }) => token));
          expect(house.done + parked.size).toBe(1);
          expect(house.row).toMatchObject(
            house.done === 1
              ? { state: 'completed', copy_token: null }
              : { state: 'dead', copy_token: [...parked][0], copy_confirmed: true },
          );
        },
      ),
      { numRuns: 400 },
    );
  });

  it('runs no second time under a lease while one holds, nor after one has completed', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 4 }),
        fc.array(move, { maxLength: 120, size: 'max' }),
        (sent, moves) => {
          const house = new House(0, ['lease']);
          for (let i = 0; i < sent; i++) house.send();
          for (const [kind, which] of moves) {
            house[kind](which);
            if (house.runs > 1 + house.expired)
              throw new Error(`${house.runs} runs, ${house.expired} expired`);
          }
        },
      ),
      { numRuns: 400 },
    );
  });
});

describe('judgeClaim', () => {
  const token = fc.option(fc.constantFrom('a', 'b', 'c'), { nil: null });
  const row: fc.Arbitrary<InboxClaimRow> = fc.record({
    state: fc.constantFrom<InboxState>('running', 'completed', 'discarded', 'retrying', 'dead'),
    body_hash: fc.constantFrom(BODY, Buffer.from('other')),
    failed_attempts: fc.nat(10),
    copy_token: token,
    copy_confirmed: fc.boolean(),
    due_in_ms: fc.option(fc.double({ noNaN: true }), { nil: null }),
    reason: fc.option(fc.string(), { nil: null }),
  });

  it('has one answer for every row and every delivery, and never a shortened or negative delay', () => {
    fc.assert(
      fc.property(row, token, (one, own) => {
        const judged = judgeClaim(one, keyOf(own ?? undefined));
        const isRunning = one.state === 'running';
        const isOwn = !isRunning && own !== null && own === one.copy_token;
        expect(judged === 'again').toBe(isOwn);
        if (judged === 'again') return;
        const conflict = !one.body_hash.equals(BODY);
        const isConflict =
          judged !== 'take-over' &&
          judged.kind === 'dead-letter' &&
          judged.reason === 'transaction-id-conflict';
        expect(isConflict).toBe(conflict);
        if (conflict) return;
        expect(judged === 'take-over').toBe(isRunning && (one.due_in_ms ?? 0) <= 0);
        if (judged === 'take-over') return;
        expect(judged.kind === 'defer').toBe(isRunning);
        if (judged.kind === 'defer') {
          expect(judged.delayMs).toBeGreaterThan(0);
          expect(judged.delayMs).toBeLessThanOrEqual(5_000);
          return;
        }
        const settled = one.copy_token === null || one.copy_confirmed;
        expect(judged.kind === 'duplicate').toBe(settled);
        if (judged.kind === 'retry') expect(judged.delayMs).toBe(Math.max(0, one.due_in_ms ?? 0));
        if (judged.kind === 'retry' || judged.kind === 'dead-letter')
          expect(judged.recorded).toEqual({ token: one.copy_token, failedAttempts: one.failed_attempts });
      }),
      { numRuns: 500 },
    );
  });
});
