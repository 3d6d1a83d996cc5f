interface Waiting<Row, Answer> {
  readonly row: Row;
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Makes one statement of what many ask for at the same time, without a timer: while a statement is under way, everything that arrives
 * waits and goes into the next one; when none is, the next one leaves at the end of this turn of the event loop, with all that came in
 * the same packet.
 */
export class Gatherer<Row, Answer> {
  private waiting: Waiting<Row, Answer>[] = [];
  /** A statement is under way, or will leave at the end of this turn. */
  private busy = false;

  /**
   * @param send one statement for these rows, at most `mostRows`. @returns the answers, in the order of the rows.
   * @param isOfOneRow whether a failure may be one row's doing, so that its neighbours are worth another statement.
   */
  constructor(
    private readonly send: (rows: readonly Row[]) => Promise<readonly Answer[]>,
    private readonly mostRows: number,
    private readonly isOfOneRow: (error: unknown) => boolean,
  ) {}

  /** Rejects with the error of the statement that the row was part of. */
  ask(row: Row): Promise<Answer> {
    return new Promise((resolve, reject) => {
      this.waiting.push({ row, resolve, reject });
      if (!this.busy) this.scheduleNext();
    });
  }

  private scheduleNext(): void {
    this.busy = true;
    setImmediate(() => {
      const group = this.waiting.splice(0, this.mostRows);
      void this.sendGroup(group, () => {
        this.busy = false;
        if (this.waiting.length > 0) this.scheduleNext();
      });
    });
  }

  /** @param done the way is free for the next statement; called before a failed group is tried in parts, which holds nobody up. */
  private async sendGroup(group: readonly Waiting<Row, Answer>[], done: () => void): Promise<void> {
    let answers: readonly Answer[];
    try {
      answers = await this.send(group.map(({ row }) => row));
    } catch (error) {
      done();
      if (group.length > 1 && this.isOfOneRow(error)) await this.sendHalves(group);
      else for (const { reject } of group) reject(error);
      return;
    }
    // `answers` has one for each row: what `send` promises.
    for (const [i, { resolve }] of group.entries()) resolve(answers[i] as Answer);
    done();
  }

  /** One after the other: of a hundred rows with one bad row among them, some fourteen statements. */
  private async sendHalves(group: readonly Waiting<Row, Answer>[]): Promise<void> {
    const middle = Math.ceil(group.length / 2);
    for (const half of [group.slice(0, middle), group.slice(middle)])
      await this.sendGroup(half, () => undefined);
  }
}
