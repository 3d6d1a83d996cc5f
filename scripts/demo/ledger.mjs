/** What the broker has confirmed, by id: from then on it may neither get lost nor take effect twice. */
export class Ledger {
  #entries = new Map();
  counts = { total: 0, good: 0, bug: 0, malformed: 0, repetition: 0 };

  add({ id, kind, body, isRepetition }) {
    const known = this.#entries.get(id);
    if (known) known.copies += 1;
    else this.#entries.set(id, { id, kind, body, copies: 1 });
    this.counts.total += 1;
    this.counts[isRepetition ? 'repetition' : kind] += 1;
  }

  entries() {
    return [...this.#entries.values()];
  }

  /** Different orders, sent once or more often. */
  get size() {
    return this.#entries.size;
  }
}
