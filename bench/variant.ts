import type { Tally } from './tally';

/** One way of consuming the queue, as its users would write it. */
export interface Variant {
  /** Begins to consume. @returns what ends it. */
  start(run: VariantRun): Promise<() => Promise<void>>;
}

export interface VariantRun {
  readonly amqpUrl: string;
  readonly databaseUrl: string;
  readonly tally: Tally;
}

/** The same for all. */
export const QUEUE = 'bench';
export const PREFETCH = 250;
export const POOL_SIZE = 20;

/** The body of every message: 1 KiB of JSON. */
export interface BenchMessage {
  readonly sequence: number;
  readonly customer: string;
  readonly cents: number;
}
