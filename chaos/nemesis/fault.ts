import type { Draw } from '../draw';
import type { Stage } from '../stage/stage';

/**
 * `replica` faults hit one process of the service; `surroundings` faults hit the broker, the database or the wires. One of each may be
 * under way at the same time, never two of one lane.
 */
export type Lane = 'replica' | 'surroundings';

/** One thing that breaks. What it does follows from the draw alone, so that a seed repeats it. */
export interface Fault {
  /** As printed in the table and in the plot, e.g. `broker: kill -9`. Stable: seeds depend on the set of names. */
  readonly name: string;
  readonly lane: Lane;
  /** Relative frequency in a long run; every fault comes once before any comes twice. Default 1. */
  readonly weight?: number;
  /** Why it cannot be done on this machine, or in this run; undefined when it can. Asked once, before the run. */
  unavailable?(stage: Stage): Promise<string | undefined> | string | undefined;
  /**
   * Breaks it, holds it for a while, mends it. Resolves once mended: from then on the service has 30 s to be well again. It mends also when
   * it fails half-way (`finally`).
   * @param signal aborted when the run is given up: mend at once.
   * @returns what it did, for people: `replica-2, 40 % of the answers lost for 3.2 s`.
   */
  strike(stage: Stage, draw: Draw, signal: AbortSignal): Promise<string>;
}
