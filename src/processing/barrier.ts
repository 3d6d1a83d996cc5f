/**
 * Where the steps around each message of a batch meet: the handler is called once, when every message has arrived here or has failed on
 * its way, and each goes on from here with what it has come to.
 */
export class Barrier<Member> {
  private readonly arrived = new Set<Member>();
  private missing: number;
  private open!: (handled: Promise<ReadonlyMap<Member, unknown>>) => void;
  private readonly handled = new Promise<ReadonlyMap<Member, unknown>>((resolve) => {
    this.open = resolve;
  });

  /** @param call the handler, with those that have arrived; answers with those that failed, each with its error. */
  constructor(
    private readonly members: readonly Member[],
    private readonly call: (arrived: readonly Member[]) => Promise<ReadonlyMap<Member, unknown>>,
  ) {
    this.missing = members.length;
  }

  /** The end of the steps of one message. @throws what the handler says of it, or what the whole call failed with. */
  async arrive(member: Member): Promise<void> {
    this.arrived.add(member);
    this.oneLess();
    const failures = await this.handled;
    if (failures.has(member)) throw failures.get(member);
  }

  /**
   * @param steps those of one message, with `arrive` as their end.
   * @returns those that failed by themselves. @throws what the whole call failed with, or a step that failed after the handler had done its
   * work for the message.
   */
  async pass(steps: (member: Member) => Promise<void>): Promise<ReadonlyMap<Member, unknown>> {
    const failures = new Map<Member, unknown>();
    const passing = this.members.map(async (member) => {
      try {
        await steps(member);
      } catch (error) {
        failures.set(member, error);
      } finally {
        if (!this.arrived.has(member)) this.oneLess();
      }
    });
    await Promise.all(passing);
    const handled = await this.handled;
    for (const [member, error] of failures) {
      if (this.arrived.has(member) && !handled.has(member)) throw error;
    }
    return failures;
  }

  private oneLess(): void {
    if (--this.missing > 0) return;
    const present = this.members.filter((member) => this.arrived.has(member));
    this.open(present.length > 0 ? this.call(present) : Promise.resolve(new Map()));
  }
}
