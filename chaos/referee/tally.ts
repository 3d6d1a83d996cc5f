/** Small counts by number, in one byte each: a run of hours has many millions of them. */
export class Tally {
  private counts = new Uint8Array(1_024);
  /** One above the highest number counted. */
  length = 0;

  add(number: number): void {
    if (number >= this.counts.length) {
      const grown = new Uint8Array(Math.max(number + 1, this.counts.length * 2));
      grown.set(this.counts);
      this.counts = grown;
    }
    this.counts[number] = Math.min(255, (this.counts[number] ?? 0) + 1);
    this.length = Math.max(this.length, number + 1);
  }

  of(number: number): number {
    return this.counts[number] ?? 0;
  }
}

/** One tally for each name, made when first asked for. */
export class Tallies {
  private readonly tallies = new Map<string, Tally>();

  of(name: string): Tally {
    let tally = this.tallies.get(name);
    if (!tally) this.tallies.set(name, (tally = new Tally()));
    return tally;
  }

  names(): string[] {
    return [...this.tallies.keys()];
  }
}
