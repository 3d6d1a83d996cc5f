import type { Outcome } from '../message/message.module';

export interface Failed {
  readonly kind: 'failed';
  readonly error: unknown;
}

/** What becomes of a message in a batch: its outcome, its own failure, or the seat that it has to come back to, made anew. */
export type BatchEnd<Member> = Outcome | Failed | Seat<Member>;

/**
 * The place of one message in its batch, for as long as that is run and run again. Each run wants the message as it came: so whoever sits here
 * is sent away with the seat, decodes it anew, and sits down again.
 */
export class Seat<Member> {
  /** How often its row has changed while it was looked at. */
  looks = 0;
  private sitting: Member | undefined;
  private answer: ((end: BatchEnd<Member>) => void) | undefined;
  private back: ((isBack: boolean) => void) | undefined;
  private fresh = false;

  /** @returns what becomes of this member. */
  take(member: Member): Promise<BatchEnd<Member>> {
    return new Promise((resolve) => {
      this.sitting = member;
      this.answer = resolve;
      this.fresh = true;
      this.report(true);
    });
  }

  /** Who was sent away has come to an end on the way back. Nothing happens when it sits here. */
  giveUp(): void {
    this.report(false);
  }

  /** Who sits here; undefined once its end is known. */
  get member(): Member | undefined {
    return this.sitting;
  }

  /** Whether who sits here has not been in a run yet. */
  get isFresh(): boolean {
    return this.fresh;
  }

  /** From now on it has been in a run. */
  use(): void {
    this.fresh = false;
  }

  /** @returns whether a member sits here that has not been in a run yet. */
  renew(): Promise<boolean> {
    if (this.fresh) return Promise.resolve(true);
    return new Promise((resolve) => {
      this.back = resolve;
      this.end(this);
    });
  }

  end(end: BatchEnd<Member>): void {
    this.sitting = undefined;
    this.answer?.(end);
    this.answer = undefined;
  }

  private report(isBack: boolean): void {
    const { back } = this;
    this.back = undefined;
    back?.(isBack);
  }
}
