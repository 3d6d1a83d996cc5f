import { HandlerTimeoutError } from '../message/message.module';

/** What one handler is at work on. */
export interface UnderWay {
  /** When its time is up, by `performance.now()`; Infinity while its clock stands still. */
  endsAt: number;
  /** Where it stands among the others; `InFlight` keeps it. */
  place: number;
  abort(reason: unknown): void;
}

/**
 * The deliveries one handler is at work on, and their time limit: one timer for all, because one for each costs ten times as much as a look
 * at the clock.
 *
 * A list in which each knows its place, and no Set: a Set that takes and gives leaves tables behind which keep what they held alive
 * for the collector of old garbage, here a third of all that a message needs.
 */
export class InFlight {
  private readonly all: UnderWay[] = [];
  private timer: NodeJS.Timeout | undefined;

  constructor(private readonly timeoutMs: number) {}

  enter(one: UnderWay): void {
    one.place = this.all.push(one) - 1;
  }

  /** To be called once for each that has entered. */
  leave(one: UnderWay): void {
    const last = this.all.pop();
    if (!last || last === one) return;
    this.all[one.place] = last;
    last.place = one.place;
  }

  /** It has the whole time from now. */
  startClock(one: UnderWay): void {
    one.endsAt = performance.now() + this.timeoutMs;
    this.timer ??= this.lookIn(this.timeoutMs);
  }

  stopClock(one: UnderWay): void {
    one.endsAt = Infinity;
  }

  abortAll(reason: unknown): void {
    for (const one of this.all) one.abort(reason);
  }

  /** It is not stopped when nobody is left, for that is between any two messages; alone it does not keep a process alive. */
  private lookIn(ms: number): NodeJS.Timeout {
    return setTimeout(() => {
      this.timer = undefined;
      this.endLate();
    }, ms).unref();
  }

  private endLate(): void {
    const now = performance.now();
    let next = Infinity;
    for (const one of this.all) {
      if (one.endsAt <= now) {
        one.endsAt = Infinity;
        one.abort(new HandlerTimeoutError(this.timeoutMs));
      } else next = Math.min(next, one.endsAt);
    }
    // Rounded up, as Node cuts off parts of a millisecond and would look in vain.
    if (next !== Infinity) this.timer = this.lookIn(Math.ceil(next - now));
  }
}
