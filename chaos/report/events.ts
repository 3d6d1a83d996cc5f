import { duration, oneLine } from '../../drawing/figures';
import type { FaultRecord } from './journal';

/** Something worth a line. */
export interface RunEvent {
  /** The same event has the same key whenever it is asked for. */
  readonly key: string;
  /** Milliseconds since the run began. */
  readonly at: number;
  readonly text: string;
}

/** What happened so far, oldest first: each fault begins, ends, and is recovered from. */
export function eventsOf(faults: readonly FaultRecord[]): RunEvent[] {
  return faults
    .flatMap(eventsOfOne)
    .map((event) => ({ ...event, text: oneLine(event.text) }))
    .sort((one, other) => one.at - other.at);
}

function eventsOfOne(fault: FaultRecord, index: number): RunEvent[] {
  const { name, from, to, recoveredMs } = fault;
  const events = [{ key: `${index} begins`, at: from, text: `begins: ${name}` }];
  if (to !== undefined) events.push({ key: `${index} ends`, at: to, text: endOf(fault, to) });
  if (to !== undefined && recoveredMs !== undefined) {
    events.push({
      key: `${index} recovered`,
      at: to + recoveredMs,
      text: `well again ${duration(recoveredMs)} after: ${name}`,
    });
  }
  return events;
}

function endOf({ name, from, detail, failure }: FaultRecord, to: number): string {
  if (failure !== undefined) return `could not be done: ${name}: ${failure}`;
  return `ends after ${duration(to - from)}: ${name}${detail === undefined ? '' : ` (${detail})`}`;
}
