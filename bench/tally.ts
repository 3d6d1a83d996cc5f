/** Counts what one run handles: each message by its number, and the time from the first delivery to the last settled one. */
export class Tally {
  private readonly times: Uint8Array;
  private startedAt = 0;
  private cpuAtStart: NodeJS.CpuUsage | undefined;
  private distinct = 0;
  private repeated = 0;
  private settledCount = 0;
  private finish: (() => void) | undefined;

  constructor(private readonly expected: number) {
    this.times = new Uint8Array(expected);
  }

  /** A handler has begun with this message. */
  handling(sequence: number): void {
    if (this.cpuAtStart === undefined) {
      this.cpuAtStart = process.cpuUsage();
      this.startedAt = performance.now();
    }
    const before = this.times[sequence];
    if (before === undefined) throw new Error(`message ${String(sequence)} was never sent`);
    this.times[sequence] = before + 1;
    if (before === 0) this.distinct++;
    else this.repeated++;
  }

  /** The way of a message ends: the acknowledgement is written, or is what its library does next. */
  settled(): void {
    this.settledCount++;
    if (this.settledCount === this.expected) this.finish?.();
  }

  /** Resolves when all are settled. @throws Error when that takes longer than `timeoutMs`. */
  async whenAllSettled(timeoutMs: number): Promise<Counted> {
    await new Promise<void>((resolve, reject) => {
      const timer = setTimeout(() => {
        reject(new Error(`only ${this.settledCount} of ${this.expected} were settled in ${timeoutMs} ms`));
      }, timeoutMs);
      this.finish = () => {
        clearTimeout(timer);
        // One turn of the event loop, so that the last acknowledgement is on the wire, whoever writes it.
        setImmediate(resolve);
      };
      if (this.settledCount === this.expected) this.finish();
    });
    const elapsedMs = performance.now() - this.startedAt;
    const { user, system } = process.cpuUsage(this.cpuAtStart);
    return { elapsedMs, cpuMs: (user + system) / 1_000, distinct: this.distinct, repeated: this.repeated };
  }
}

export interface Counted {
  readonly elapsedMs: number;
  /** Processor time of the consuming process, all threads. */
  readonly cpuMs: number;
  readonly distinct: number;
  readonly repeated: number;
}
