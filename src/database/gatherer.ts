interface Waiting<Item, Result> {
  readonly item: Item;
  readonly resolve: (result: Result) => void;
  readonly reject: (error: unknown) => void;
}

export interface GathererLimits<Item> {
  /** How many items one call takes at most; the others wait for the next. */
  readonly most: number | (() => number);
  /** How many calls may be under way at once. */
  readonly atOnce?: number;
  /** Two items of one identity never go into the same call: the later one waits for the next. */
  readonly identityOf?: (item: Item) => unknown;
}

/**
 * Turns what many ask for at the same time into few calls, without a timer: a lone item goes out at the end of this turn of the event loop,
 * and while calls are under way the next items gather. So it waits for nothing when idle and grows with the load.
 */
export class Gatherer<Item, Result> {
  private waiting: Waiting<Item, Result>[] = [];
  private underWay = 0;
  private scheduled = false;

  /** @param work one call for several items; answers each, in their order. What it throws, all of them get. */
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
    setImmediate(() => {
      this.scheduled = false;
      void this.call();
      // More than one call may take, and another may be made meanwhile.
      this.schedule();
    });
  }

  /** Who has waited longest comes first. */
  private take(): Waiting<Item, Result>[] {
    const { most, identityOf } = this.limits;
    const limit = typeof most === 'number' ? most : most();
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
    const taken = this.take();
    this.underWay++;
    try {
      const results = await this.work(taken.map(({ item }) => item));
      if (results.length !== taken.length)
        throw new Error(
          `${String(taken.length)} items were gathered and ${String(results.length)} were answered`,
        );
      for (const [i, { resolve }] of taken.entries()) resolve(results[i] as Result);
    } catch (error) {
      for (const { reject } of taken) reject(error);
    } finally {
      this.underWay--;
      this.schedule();
    }
  }
}
