/** How a line works through what waits in it. */
export interface LineOptions<Member> {
  /** The largest group that may be formed now. */
  readonly limit: () => number;
  /** Groups under way at once. */
  readonly lanes: number;
  /** Two of one identity never share a group: the later one stays in the line. */
  readonly identityOf: (member: Member) => string;
  /** Takes a group to its end. Never rejects. */
  readonly run: (group: readonly Member[]) => Promise<void>;
}

/**
 * Forms groups of what is already waiting, and never waits for more: an idle line begins at the end of the current turn of the event loop,
 * so that what came in one packet goes together; a busy one begins with whatever has gathered when a lane gets free.
 */
export class WaitingLine<Member> {
  private waiting: Member[] = [];
  private underWay = 0;
  private starting: NodeJS.Immediate | undefined;

  constructor(private readonly options: LineOptions<Member>) {}

  join(member: Member): void {
    this.waiting.push(member);
    this.startSoon();
  }

  private startSoon(): void {
    if (this.starting || this.waiting.length === 0 || this.underWay >= this.options.lanes) return;
    this.starting = setImmediate(() => {
      this.starting = undefined;
      while (this.waiting.length > 0 && this.underWay < this.options.lanes) this.start(this.takeGroup());
    });
  }

  private start(group: readonly Member[]): void {
    this.underWay++;
    void this.options.run(group).finally(() => {
      this.underWay--;
      this.startSoon();
    });
  }

  /** Who has waited longest comes first, so what may not join one group leads the next. */
  private takeGroup(): Member[] {
    const { limit, identityOf } = this.options;
    const most = Math.max(1, limit());
    const taken = new Set<string>();
    const group: Member[] = [];
    const left: Member[] = [];
    for (const member of this.waiting) {
      const identity = identityOf(member);
      if (group.length >= most || taken.has(identity)) left.push(member);
      else {
        taken.add(identity);
        group.push(member);
      }
    }
    this.waiting = left;
    return group;
  }
}
