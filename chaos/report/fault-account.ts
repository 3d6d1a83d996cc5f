import { clock, duration, median, oneLine, shorten } from '../../drawing/figures';
import type { FaultRecord } from './journal';

/** In characters: a command that was refused may print its whole manual. The whole of it is in the journal. */
const LONGEST_FAILURE = 300;

/** What faults of one name did in a run. */
export interface FaultAccount {
  readonly name: string;
  readonly lane: string;
  readonly times: number;
  /** How many of them could not be done as meant. */
  readonly failed: number;
  /** Undefined when no recovery was seen. */
  readonly medianRecoveryMs: number | undefined;
  readonly worstRecoveryMs: number | undefined;
  /** Ended as meant, and no recovery was seen after it. */
  readonly unrecovered: number;
}

/** By lane, then by name. */
export function accountFaults(faults: readonly FaultRecord[]): FaultAccount[] {
  return [...groupBy(faults, ({ lane, name }) => JSON.stringify([lane, name])).values()]
    .map(accountOf)
    .sort((one, other) => compare(one.lane, other.lane) || compare(one.name, other.name));
}

export function isUnrecovered({ to, failure, recoveredMs }: FaultRecord): boolean {
  return to !== undefined && failure === undefined && recoveredMs === undefined;
}

/** When, and what came after, in words: `03:12 to 03:18 (6.0 s), all well again after 2.1 s`. */
export function courseOf(fault: FaultRecord): string {
  const { from, to, recoveredMs } = fault;
  if (to === undefined) return `${clock(from)} to the end of the run`;
  const span = `${clock(from)} to ${clock(to)} (${duration(to - from)})`;
  if (recoveredMs !== undefined) return `${span}, all well again after ${duration(recoveredMs)}`;
  return isUnrecovered(fault) ? `${span}, no recovery seen` : span;
}

/** Failures to strike, the same ones together: `replica: SIGKILL, 2 times, at 03:12, 07:40: no such process`. */
export function failuresOf(faults: readonly FaultRecord[]): string[] {
  const failed = faults.filter(({ failure }) => failure !== undefined);
  return [...groupBy(failed, ({ name, failure }) => JSON.stringify([name, failure])).values()].map((same) => {
    const { name, failure = '' } = same[0];
    const times = same.length > 1 ? `${same.length} times, ` : '';
    const words = shorten(oneLine(failure), LONGEST_FAILURE);
    return `${name}, ${times}at ${same.map(({ from }) => clock(from)).join(', ')}: ${words}`;
  });
}

type Group = readonly [FaultRecord, ...FaultRecord[]];

function accountOf(same: Group): FaultAccount {
  const recoveries = same.flatMap(({ recoveredMs }) => recoveredMs ?? []);
  return {
    name: same[0].name,
    lane: same[0].lane,
    times: same.length,
    failed: same.filter(({ failure }) => failure !== undefined).length,
    medianRecoveryMs: median(recoveries),
    worstRecoveryMs: recoveries.length > 0 ? Math.max(...recoveries) : undefined,
    unrecovered: same.filter(isUnrecovered).length,
  };
}

function groupBy(
  faults: readonly FaultRecord[],
  keyOf: (fault: FaultRecord) => string,
): ReadonlyMap<string, Group> {
  const groups = new Map<string, [FaultRecord, ...FaultRecord[]]>();
  for (const fault of faults) {
    const group = groups.get(keyOf(fault));
    if (group) group.push(fault);
    else groups.set(keyOf(fault), [fault]);
  }
  return groups;
}

/** Not by locale: the same run gives the same page on every machine. */
function compare(one: string, other: string): number {
  if (one === other) return 0;
  return one < other ? -1 : 1;
}
