/** What a run wrote down about itself: the progress, the table and the plot are made of it. */
export interface Sample {
  /** Milliseconds since the run began. */
  readonly at: number;
  /** Publications the broker has confirmed so far. */
  readonly confirmed: number;
  /** Deliveries settled so far, over all replicas. */
  readonly settled: number;
  /** Messages ready in the work queues; undefined while the broker cannot be asked. */
  readonly backlog: number | undefined;
  /** Replicas whose readiness probe says yes. */
  readonly ready: number;
}

export interface FaultRecord {
  readonly name: string;
  readonly lane: string;
  /** Milliseconds since the run began. */
  readonly from: number;
  /** Undefined while it lasts. */
  to?: number;
  /** What it did, in its own words. */
  detail?: string;
  /** It could not be done as meant; the run goes on. */
  failure?: string;
  /** From its end until every replica was ready with all consumers attached; undefined while, or if, that did not happen. */
  recoveredMs?: number;
}

export interface Journal {
  readonly seed: number;
  readonly command: string;
  readonly startedAt: Date;
  readonly samples: Sample[];
  readonly faults: FaultRecord[];
  /** Faults left out, and why. */
  readonly left: { readonly name: string; readonly why: string }[];
  /** Processes that ended: how often by which cause. */
  readonly deaths: Map<string, number>;
}

/** One thing the referee looked at. */
export interface Verdict {
  /** As a sentence that is true when it passed: `every effect happened exactly once`. */
  readonly rule: string;
  readonly passed: boolean;
  /** The figures behind it. */
  readonly detail: string;
  /** What broke it, with the history of each message; bounded. */
  readonly violations: readonly string[];
}

/** What became of the messages of one kind. */
export interface KindAccount {
  readonly kind: string;
  readonly confirmed: number;
  readonly effects: number;
  readonly deadLetters: number;
  readonly discarded: number;
  readonly lost: number;
  readonly doubled: number;
  /** Repetitions where they are allowed: consumers without idempotency. */
  readonly repeated: number;
}

export interface Report {
  readonly journal: Journal;
  readonly verdicts: readonly Verdict[];
  readonly kinds: readonly KindAccount[];
}
