import type { ByMode, Variant } from '../part';
import type { Tally } from './tally';

/** One way of consuming the queue, as its users would write it. */
export interface Consumer {
  /** Begins to consume. @returns what ends it. */
  start(run: ConsumerRun): Promise<() => Promise<void>>;
}

export interface ConsumerRun {
  readonly amqpUrl: string;
  readonly databaseUrl: string;
  readonly tally: Tally;
}

/** A variant that consumes in a process of its own, so that only that process loads what it needs. */
export interface ConsumerVariant extends Variant {
  readonly load: () => Promise<Consumer>;
  /** For each run, chosen by its speed: a fast one takes seconds, a slow one no minutes. */
  readonly messages: ByMode;
  /** Its effect is not in the database: it is counted where it happens, in the handler. */
  readonly effectElsewhere?: boolean;
}
