interface Waiting<Item, Result> {
  readonly item: Item;
  readonly resolve: (result: Result) => void;
  readonly reject: (error: unknown) => void;
}

export interface GathererLimits<Item> {
  /** How many items one call takes at most; the others wait for the next. */
  readonly most: number | (() => number);
  /** How many calls may be under way at once; 1 where nothing is said. */
  readonly atOnce?: number;
  /**
   * How many turns of the event loop the first item waits for others; 1 where nothing is said. A turn is as long as there is work in it: an
   * idle process makes ten of them in a fraction of a millisecond, a busy one gathers.
   */
  readonly turns?: number;
  /** Two items of one identity never go into the same call: the later one waits for the next. */
  readonly identityOf?: (item: Item) => unknown;
  /** Whether a failure may be the doing of one item, so that its neighbours are worth another call. Never, where nothing is said. */
  readonly isOfOneItem?: (error: unknown) => boolean;
}

/**
 * Turns what many ask for at the same time into few calls, without a timer: a lone item goes out at the end of this turn of the event loop (or of a few),
 * and while calls are under way the next items gather. So it waits for nothing when idle and grows with the load.
 */
export class Gatherer<Item, Result> {
  private waiting: Waiting<Item, Result>[] = [];
  private underWay = 0;
  private scheduled = false;

  /** @param work one call for several items; answers each, in their order. What it throws, all of them get, or the one whose doing it is. */
  constructor(
    private readonly work: (items: readonly Item[]) => Promise<readonly Result[]>,
    private readonly limits: GathererLimits<Item>,
  ) {}

  add(item: Item): Promise<Result> {
    return new Promise((resolve, reject) => {
      this.waiting.push({ item, resolve, reject });
      this.schedule();
    });
  }

  /** How many items wait for a call; those of calls under way are not among them. */
  get gathered(): number {
    return this.waiting.length;
  }

  private schedule(): void {
    const { atOnce = 1 } = this.limits;
    if (this.scheduled || this.waiting.length === 0 || this.underWay >= atOnce) return;
    this.scheduled = true;
    this.wait(this.limits.turns ?? 1);
  }

  private wait(turns: number): void {
    setImmediate(() => {
      if (turns > 1 && this.waiting.length < this.most) {
        this.wait(turns - 1);
        return;
      }
      this.scheduled = false;
      void this.call();
      // More than one call may take, and another may be made meanwhile.
      this.schedule();
    });
  }

  private get most(): number {
    const { most } = this.limits;
    return typeof most === 'number' ? most : most();
  }

  /** Who has waited longest comes first. */
  private take(): Waiting<Item, Result>[] {
    const { identityOf } = this.limits;
    const limit = this.most;
    if (!identityOf) return this.waiting.splice(0, limit);
    const identities = new Set<unknown>();
    const taken: Waiting<Item, Result>[] = [];
    const left: Waiting<Item, Result>[] = [];
    for (const one of this.waiting) {
      const identity = identityOf(one.item);
      if (taken.length >= limit || identities.has(identity)) left.push(one);
      else {
        identities.add(identity);
        taken.push(one);
      }
    }
    this.waiting = left;
    return taken;
  }

  private async call(): Promise<void> {
    this.underWay++;
    const failed = await this.answer(this.take());
    this.underWay--;
    this.schedule();
    // Holds nobody up: the next call is on its way.
    if (failed) await this.halve(failed);
  }

  /** @returns those that are worth another call. */
  private async answer(
    taken: readonly Waiting<Item, Result>[],
  ): Promise<readonly Waiting<Item, Result>[] | undefined> {
    try {
      const results = await this.work(taken.map(({ item }) => item));
      if (results.length !== taken.length)
        throw new Error(
          `${String(taken.length)} items were gathered and ${String(results.length)} were answered`,
        );
      for (const [i, { resolve }] of taken.entries()) resolve(results[i] as Result);
    } catch (error) {
      if (taken.length > 1 && this.limits.isOfOneItem?.(error)) return taken;
      for (const { reject } of taken) reject(error);
    }
    return undefined;
  }

  /** One after the other: of a hundred items with a bad one among them, some fourteen calls. */
  private async halve(taken: readonly Waiting<Item, Result>[]): Promise<void> {
    const middle = Math.ceil(taken.length / 2);
    for (const half of [taken.slice(0, middle), taken.slice(middle)]) {
      const failed = await this.answer(half);
      if (failed) await this.halve(failed);
    }
  }
}
