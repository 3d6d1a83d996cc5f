/** How an acknowledgement is sent; `upTo` covers every delivery of the channel that is still unsettled, up to this tag. */
export type SendAck = (tag: number, upTo: boolean) => void;

/**
 * Gathers the acknowledgements of one turn of the event loop: everything below the oldest delivery that is still unsettled goes
 * in one frame, what is settled above it goes by itself. Nobody waits longer than the turn, and a frame never reaches a delivery that
 * has not been settled.
 *
 * What is remembered is what is unsettled, which the prefetch bounds: a handler that hangs for an hour costs one entry, not
 * the tags of everything that went past it.
 */
export class Acknowledgements {
  /** In the order of delivery, so the first one is the oldest. */
  private readonly unsettled = new Set<number>();
  private pending: number[] = [];
  private last = 0;
  private flushing: NodeJS.Immediate | undefined;

  constructor(private readonly send: SendAck) {}

  delivered(tag: number): void {
    // Tags count up by one; one that never reached us is nobody's to acknowledge and must not be covered either.
    while (this.last < tag) this.unsettled.add(++this.last);
  }

  /** @returns false when that delivery is settled already, or not of this channel. */
  acknowledge(tag: number): boolean {
    if (!this.unsettled.delete(tag)) return false;
    this.pending.push(tag);
    this.flushing ??= setImmediate(() => {
      this.flush();
    });
    return true;
  }

  /** It is settled in another way, by a frame of its own. @returns as `acknowledge`. */
  withdraw(tag: number): boolean {
    return this.unsettled.delete(tag);
  }

  /** Sends what has been gathered, now: before the channel is closed, or before its deliveries are given back. */
  flush(): void {
    clearImmediate(this.flushing);
    this.flushing = undefined;
    const { pending } = this;
    this.pending = [];
    const oldest = this.oldestUnsettled();
    let highest = 0;
    let covered = 0;
    for (const tag of pending) {
      if (tag > oldest) continue;
      covered++;
      highest = Math.max(highest, tag);
    }
    // The tag of the frame must itself be one the broker waits for, or it closes the channel.
    if (covered > 0) this.send(highest, covered > 1);
    for (const tag of pending) if (tag > oldest) this.send(tag, false);
  }

  /** The channel is gone, and with it the right to settle anything. */
  forget(): void {
    clearImmediate(this.flushing);
    this.flushing = undefined;
    this.pending = [];
  }

  private oldestUnsettled(): number {
    for (const tag of this.unsettled) return tag;
    return Number.POSITIVE_INFINITY;
  }
}
