/** A handler sent a statement after another handler of its group had sent some in between. */
export class InterleavedError extends Error {
  override readonly name = 'InterleavedError';

  constructor() {
    super(
      'the statements of two handlers of one group came between each other; the group is run again, one after another',
    );
  }
}

/**
 * Keeps the statements of each handler of a group together. Handlers of one transaction do not wait for each other's row locks, so one that
 * reads, decides and writes while a neighbour does the same would lose an update. As long as nobody sends a statement after a neighbour has
 * begun with its own, the group is the same as its handlers run one after another, whatever they do.
 */
export class Turns<Member> {
  private current: Member | undefined;
  private readonly over = new Set<Member>();
  private broken = false;

  /** Whether somebody was refused: then nothing of this group may be committed. */
  get isBroken(): boolean {
    return this.broken;
  }

  /** @throws InterleavedError when it is no longer, or never again, this member's turn. */
  take(member: Member): void {
    if (member === this.current && !this.broken) return;
    if (this.broken || this.over.has(member)) {
      this.broken = true;
      throw new InterleavedError();
    }
    if (this.current !== undefined) this.over.add(this.current);
    this.current = member;
  }
}
