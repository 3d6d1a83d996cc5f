/** How often is looked, in milliseconds. */
export interface Pace {
  readonly everyMs: number;
  /** After something that calls for another look. */
  readonly soonMs: number;
}

/** So often in a row at most; what has not settled by then does not. */
const MOST_SOON = 10;
/** Replicas that were started together do not stay together. */
const SPREAD = 0.1;

/** Does the same work over and over, never twice at once. */
export class Rounds {
  private timer: NodeJS.Timeout | undefined;
  private stopped = false;
  private soon = 0;
  private current: Promise<void> | undefined;

  /** @param work resolves to whether another round is wanted soon; must not reject. */
  constructor(
    private readonly work: () => Promise<boolean>,
    private readonly pace: Pace,
    private readonly random: () => number = Math.random,
  ) {}

  /** A round soon, and from then on regularly. */
  begin(): void {
    this.soon = 0;
    this.schedule(this.pace.soonMs);
  }

  /** One round, now; joins the one that is under way. */
  run(): Promise<void> {
    return (this.current ??= this.round().finally(() => (this.current = undefined)));
  }

  /** Resolves when the round under way has ended. */
  async stop(): Promise<void> {
    this.stopped = true;
    clearTimeout(this.timer);
    await this.current;
  }

  private async round(): Promise<void> {
    const again = await this.work();
    this.soon = again ? this.soon + 1 : 0;
    const isSoon = again && this.soon <= MOST_SOON;
    this.schedule(isSoon ? this.pace.soonMs : this.pace.everyMs * (1 - SPREAD * this.random()));
  }

  private schedule(ms: number): void {
    clearTimeout(this.timer);
    if (!this.stopped) this.timer = setTimeout(() => void this.run(), ms);
  }
}
