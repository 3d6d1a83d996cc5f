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

type Judged = Exclude<ReturnType<typeof judgeClaim>, 'again'>;

/**
 * The broker, the inbox row and the processes between them, for one message. What the statements of the store and the settlement do is
 * written out in steps, and a process may die after any of them.
 */
class House {
  readonly queue: Copy[] = [];
  readonly deadLetters: Copy[] = [];
  readonly running: { readonly copy: Copy; readonly steps: Generator<undefined, void> }[] = [];
  row: InboxClaimRow | undefined;
  effects = 0;
  /** Whose open transaction has written the row; a twin is not told what it says before that has ended. */
  private lock: Copy | undefined;
  private tokens = 0;

  /**
   * @param failures how often the handler fails before it succeeds.
   * @param inBatch whether its transaction commits for others all the same, and gives back what it has claimed for this one.
   */
  constructor(
    private failures: number,
    private readonly inBatch: boolean,
  ) {}

  send(): void {
    this.queue.push({ token: undefined, failedAttempts: 0 });
  }

  deliver(which: number): void {
    const [copy] = this.queue.splice(which % Math.max(1, this.queue.length), 1);
    if (copy) this.running.push({ copy, steps: this.process(copy) });
  }

  step(which: number): void {
    const at = which % Math.max(1, this.running.length);
    if (this.running[at]?.steps.next().done) this.running.splice(at, 1);
  }

  /** The process dies: what it had committed or published stays, its transaction is rolled back, its delivery comes again. */
  crash(which: number): void {
    const [dead] = this.running.splice(which % Math.max(1, this.running.length), 1);
    if (!dead) return;
    if (this.lock === dead.copy) this.lock = undefined;
    this.queue.push(dead.copy);
  }

  /** Where the message is: it must always be somewhere. */
  get isKept(): boolean {
    return this.queue.length + this.running.length + this.deadLetters.length + this.effects > 0;
  }

  private *process(copy: Copy): Generator<undefined, void> {
    const outcome = yield* this.attempt(copy);
    yield* this.settle(copy, outcome);
  }

  private *attempt(copy: Copy): Generator<undefined, Judged> {
    for (let look = 0; look < LOOKS; look++) {
      if (this.lock) return { kind: 'defer', reason: 'twin-running', delayMs: 1 };
      if (this.owns(copy)) return yield* this.run(copy);
      yield;
      const judged = judgeClaim(this.row, keyOf(copy));
      yield;
      if (judged !== 'again') return judged;
    }
    return { kind: 'defer', reason: 'busy', delayMs: 1 };
  }

  /** The handler, in the transaction that has claimed the row. */
  private *run(copy: Copy): Generator<undefined, Judged> {
    this.lock = copy;
    yield;
    this.lock = undefined;
    if (this.failures-- > 0) {
      if (this.inBatch) {
        this.row =
          copy.token === undefined
            ? undefined
            : { ...rowOf('retrying', copy.token, copy.failedAttempts), copy_confirmed: true };
        yield;
      }
      return copy.failedAttempts + 1 < TRIES
        ? { kind: 'retry', delayMs: 1, reason: 'Error' }
        : { kind: 'dead-letter', reason: 'attempts-exhausted' };
    }
    this.effects++;
    this.row = rowOf('completed', null, copy.failedAttempts);
    yield;
    return { kind: 'completed' };
  }

  private *settle(copy: Copy, outcome: Judged): Generator<undefined, void> {
    if (outcome.kind === 'defer') this.queue.push(copy);
    if (outcome.kind === 'retry' || outcome.kind === 'dead-letter') yield* this.copy(copy, outcome);
    yield;
    // Acknowledged: with the end of these steps the delivery is gone.
  }

  /** Recorded → published → recorded as confirmed. */
  private *copy(
    copy: Copy,
    outcome: Extract<Outcome, { kind: 'retry' | 'dead-letter' }>,
  ): Generator<undefined, void> {
    const { token, failedAttempts } = outcome.recorded ?? {
      token: `copy ${++this.tokens}`,
      failedAttempts: copy.failedAttempts + 1,
    };
    if (!outcome.recorded) {
      const judged = yield* this.record(
        copy,
        outcome.kind === 'retry' ? 'retrying' : 'dead',
        token,
        failedAttempts,
      );
      if (judged) {
        yield* this.settle(copy, judged);
        return;
      }
    }
    (outcome.kind === 'retry' ? this.queue : this.deadLetters).push({ token, failedAttempts });
    yield;
    if (this.row?.copy_token === token) this.row = { ...this.row, copy_confirmed: true };
    yield;
  }

  /** @returns what the message has become meanwhile, when the row is no longer this copy's. */
  private *record(
    copy: Copy,
    state: InboxState,
    token: string,
    failedAttempts: number,
  ): Generator<undefined, Judged | undefined> {
    for (;;) {
      while (this.lock) yield;
      if (this.owns(copy)) {
        this.row = rowOf(state, token, failedAttempts);
        yield;
        return undefined;
      }
      yield;
      const judged = judgeClaim(this.row, keyOf(copy));
      yield;
      if (judged !== 'again') return judged;
    }
  }

  /** As the statements say: there is no row, or it waits for this very copy. */
  private owns({ token }: Copy): boolean {
    return !this.row || (token !== undefined && this.row.copy_token === token);
  }
}

function keyOf({ token }: Copy): InboxKey {
  return { consumer: 'orders', transactionId: 't-1', bodyHash: BODY, copyToken: token };
}

function rowOf(state: InboxState, token: string | null, failedAttempts: number): InboxClaimRow {
  return {
    state,
    body_hash: BODY,
    failed_attempts: failedAttempts,
    copy_token: token,
    copy_confirmed: false,
    due_in_ms: token === null ? null : 0,
    reason: null,
  };
}

const move = fc.tuple(
  fc.oneof(
    { weight: 6, arbitrary: fc.constant('step' as const) },
    { weight: 3, arbitrary: fc.constant('deliver' as const) },
    { weight: 2, arbitrary: fc.constant('crash' as const) },
  ),
  fc.nat(20),
);

describe('one message between crashing processes, by the judgement of its row', () => {
  it('is never lost, and ends with one effect or as one dead letter', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 3 }),
        fc.nat(5),
        fc.boolean(),
        fc.array(move, { maxLength: 120, size: 'max' }),
        (sent, failures, inBatch, moves) => {
          const house = new House(failures, inBatch);
          for (let i = 0; i < sent; i++) house.send();
          for (const [kind, which] of moves) {
            house[kind](which);
            // Not by `expect`, which takes longer than all the rest.
            if (house.effects > 1 || !house.isKept)
              throw new Error(`${house.effects} effects, kept: ${String(house.isKept)}`);
          }
          // Nobody dies any more: everything comes to its end.
          for (let turns = 0; house.queue.length + house.running.length > 0; turns++) {
            if (turns > 2_000) throw new Error('it goes round in circles');
            house.deliver(0);
            for (let i = house.running.length; i > 0; i--) house.step(turns);
          }
          // The same copy may lie there twice, and its token makes it one.
          const parked = new Set(house.deadLetters.map(({ token }) => token));
          expect(house.effects + parked.size).toBe(1);
          expect(house.row).toMatchObject(
            house.effects === 1
              ? { state: 'completed', copy_token: null }
              : { state: 'dead', copy_token: [...parked][0], copy_confirmed: true },
          );
        },
      ),
      { numRuns: 400 },
    );
  });
});

describe('judgeClaim', () => {
  const token = fc.option(fc.constantFrom('a', 'b', 'c'), { nil: null });
  const row: fc.Arbitrary<InboxClaimRow> = fc.record({
    state: fc.constantFrom<InboxState>('completed', 'discarded', 'retrying', 'dead'),
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
        const judged = judgeClaim(one, keyOf({ token: own ?? undefined, failedAttempts: 0 }));
        const isOwn = own !== null && own === one.copy_token;
        expect(judged === 'again').toBe(isOwn);
        if (judged === 'again') return;
        const conflict = !one.body_hash.equals(BODY);
        expect(judged.kind === 'dead-letter' && judged.reason === 'transaction-id-conflict').toBe(conflict);
        if (conflict) return;
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
