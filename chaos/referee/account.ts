import { messageId, readMessageId, type Expectation, type Kind } from '../load/kinds';
import type { KindAccount } from '../report/journal';
import { Tallies } from './tally';

/** What was found in a dead-letter queue. */
export interface FoundDeadLetter {
  /** The work queue it comes from. */
  readonly consumer: string;
  readonly message: string;
  readonly reason: string;
  /** Names the copy; the same copy may lie there twice, which the vault makes one. Undefined where the broker itself put it there. */
  readonly token: string | undefined;
}

/** A message that did not become what it had to become. */
export interface Discrepancy {
  readonly message: string;
  readonly consumer: string;
  readonly what: string;
}

/** The account of a run: what the producers know against what has become of it. Pure: it is fed, then asked. */
export class Account {
  private readonly confirmed = new Tallies();
  private readonly effects = new Tallies();
  private readonly highestAttempt = new Map<string, Map<number, number>>();
  private readonly discarded = new Tallies();
  private readonly dead = new Map<string, { copies: number; tokens: Set<string>; reasons: Set<string> }>();
  private readonly strangers: Discrepancy[] = [];

  constructor(private readonly kinds: readonly Kind[]) {}

  addConfirmed(kind: string, number: number): void {
    this.confirmed.of(kind).add(number);
  }

  isConfirmed(kind: string, number: number): boolean {
    return this.confirmed.of(kind).of(number) > 0;
  }

  /** One above the highest confirmed number of this kind. */
  numbersOf(kind: string): number {
    return this.confirmed.of(kind).length;
  }

  addEffect(consumer: string, message: string, attempt: number): void {
    const known = this.read(message, consumer, 'an effect');
    if (!known) return;
    this.effects.of(keyOf(consumer, known.kind)).add(known.number);
    if (attempt === 1) return;
    const attempts = this.highestAttempt.get(consumer) ?? new Map<number, number>();
    attempts.set(known.number, Math.max(attempt, attempts.get(known.number) ?? 0));
    this.highestAttempt.set(consumer, attempts);
  }

  addDiscard(consumer: string, message: string): void {
    const known = this.read(message, consumer, 'a discarded message');
    if (known) this.discarded.of(keyOf(consumer, known.kind)).add(known.number);
  }

  addDeadLetter({ consumer, message, reason, token }: FoundDeadLetter): void {
    if (!this.read(message, consumer, 'a dead letter')) return;
    const key = `${consumer}\t${message}`;
    const found = this.dead.get(key) ?? { copies: 0, tokens: new Set(), reasons: new Set() };
    found.copies++;
    found.reasons.add(reason);
    if (token !== undefined) found.tokens.add(token);
    this.dead.set(key, found);
  }

  /** @returns what each kind came to, and every message that did not become what it had to. */
  close(): { kinds: KindAccount[]; discrepancies: Discrepancy[] } {
    const discrepancies = [...this.strangers];
    const kinds = this.kinds.map((kind) => this.accountOf(kind, discrepancies));
    return { kinds, discrepancies };
  }

  private accountOf(kind: Kind, discrepancies: Discrepancy[]): KindAccount {
    const sum = { confirmed: 0, effects: 0, deadLetters: 0, discarded: 0, lost: 0, doubled: 0, repeated: 0 };
    const confirmed = this.confirmed.of(kind.name);
    for (let number = 0; number < confirmed.length; number++) {
      const copies = confirmed.of(number);
      if (copies === 0) continue;
      sum.confirmed += copies;
      for (const expectation of kind.expected(number)) {
        const found = this.found(kind, number, expectation.consumer);
        sum.effects += found.effects;
        sum.deadLetters += found.dead ? 1 : 0;
        sum.discarded += found.discarded ? 1 : 0;
        if (found.effects + (found.dead ? 1 : 0) + (found.discarded ? 1 : 0) === 0) sum.lost++;
        if (found.effects > 1) sum[expectation.once ? 'doubled' : 'repeated'] += found.effects - 1;
        const what = judge(expectation, found);
        if (what !== undefined)
          discrepancies.push({
            message: messageId(kind.name, number),
            consumer: expectation.consumer,
            what,
          });
      }
    }
    return { kind: kind.name, ...sum };
  }

  private found(kind: Kind, number: number, consumer: string): Found {
    const key = keyOf(consumer, kind.name);
    const dead = this.dead.get(`${consumer}\t${messageId(kind.name, number)}`);
    return {
      effects: this.effects.of(key).of(number),
      attempt: this.highestAttempt.get(consumer)?.get(number) ?? 1,
      discarded: this.discarded.of(key).of(number) > 0,
      dead: dead && { tokens: dead.tokens.size, reasons: [...dead.reasons].join(', ') },
    };
  }

  private read(
    message: string,
    consumer: string,
    what: string,
  ): { kind: string; number: number } | undefined {
    const known = readMessageId(message);
    if (known && this.confirmed.of(known.kind).of(known.number) > 0) return known;
    this.strangers.push({ message, consumer, what: `${what} of a message that nobody has published` });
    return undefined;
  }
}

interface Found {
  readonly effects: number;
  readonly attempt: number;
  readonly discarded: boolean;
  readonly dead: { readonly tokens: number; readonly reasons: string } | undefined;
}

/** @returns what is wrong; undefined when it became what it had to become. */
export function judge(
  expected: Expectation,
  { effects, attempt, discarded, dead }: Found,
): string | undefined {
  const says = (what: string): string => `expected ${wordsOf(expected)}, found ${what}`;
  if (effects + (dead ? 1 : 0) + (discarded ? 1 : 0) === 0) return says('nothing: it is lost');
  if (expected.once && effects > 1) return says(`${effects} effects`);
  if (dead && dead.tokens > 1) return says(`${dead.tokens} different dead letters (${dead.reasons})`);
  switch (expected.end) {
    case 'effect':
      if (effects === 0) return says(dead ? `a dead letter (${dead.reasons})` : 'it discarded');
      if (dead) return says(`a dead letter beside its effect (${dead.reasons})`);
      break;
    case 'dead-letter':
      if (!dead) return says(discarded ? 'it discarded' : 'an effect and no dead letter');
      if (effects > 0) return says(`${effects} effects beside the dead letter`);
      break;
    case 'discard':
      if (!discarded || effects > 0 || dead)
        return says(dead ? `a dead letter (${dead.reasons})` : 'an effect');
      break;
    case 'effect-or-dead-letter':
      if (discarded) return says('it discarded');
  }
  if (expected.attempt !== undefined && effects > 0 && attempt > expected.attempt)
    return says(`its effect made by attempt ${attempt}: a fault of the infrastructure has spent an attempt`);
  return undefined;
}

function wordsOf({ end, once, attempt }: Expectation): string {
  const times = end === 'effect' ? (once ? 'exactly one ' : 'at least one ') : 'one ';
  return `${times}${end.replaceAll('-', ' ')}${attempt === undefined ? '' : ` by attempt ${attempt}`}`;
}

const keyOf = (consumer: string, kind: string): string => `${consumer}\t${kind}`;
