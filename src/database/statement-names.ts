import { createHash } from 'node:crypto';

/** As often a text is seen before it gets a name: what is written once, with its values in it, must not fill the server's memory. */
const SEEN_BEFORE = 5;
/** Each connection keeps a prepared statement for each name. */
const MOST_NAMES = 200;
const MOST_SEEN = 2_000;

/**
 * Names for the statements that handlers send again and again: a named one is parsed and planned once for each connection, which is half of
 * what a small statement costs the server. Drivers of other languages do the same with the same numbers.
 */
export class StatementNames {
  private readonly seen = new Map<string, number>();
  private readonly names = new Map<string, string>();
  private readonly refused = new Set<string>();

  /** @returns undefined for what stays without a name. */
  nameOf(text: string): string | undefined {
    const name = this.names.get(text);
    if (name !== undefined) return name;
    if (this.names.size >= MOST_NAMES || this.refused.has(text)) return undefined;
    const times = (this.seen.get(text) ?? 0) + 1;
    if (times <= SEEN_BEFORE) {
      if (this.seen.size >= MOST_SEEN) this.seen.clear();
      this.seen.set(text, times);
      return undefined;
    }
    this.seen.delete(text);
    // Of the text: the same in every process, so that a pooler between us may share connections.
    const made = `holdfast_${createHash('sha256').update(text).digest('base64url').slice(0, 32)}`;
    this.names.set(text, made);
    return made;
  }

  /** What it returns has changed since it was prepared (`alter table` under `select *`): every connection would refuse it for ever. */
  refuse(text: string): void {
    if (this.refused.size < MOST_NAMES) this.refused.add(text);
    this.names.delete(text);
  }
}
