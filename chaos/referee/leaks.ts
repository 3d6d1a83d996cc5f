import type { ReplicaReport } from '../handlers/control';
import type { Verdict } from '../report/journal';

/** What the service holds when nothing is going on: measured once before the first message, and again at the end. */
export interface Holdings {
  /** AMQP connections and channels of all replicas together. */
  readonly connections: number;
  readonly channels: number;
  readonly reports: ReadonlyMap<string, ReplicaReport>;
}

/** Timers come and go by a few (sweeps, probes); what leaks, leaks with every fault. */
const SLACK_TIMERS = 12;
/** Idle connections of the database pools, which close by and by, and sockets of the probes. */
const SLACK_SOCKETS = 60;

/** @returns what is held now and was not before. */
export function judgeLeaks(before: Holdings, after: Holdings): Verdict {
  const violations: string[] = [];
  const more = (what: string, was: number, is: number, slack: number): void => {
    if (is > was + slack) violations.push(`${what}: ${was} before the first message, ${is} in the end`);
  };
  more('AMQP connections', before.connections, after.connections, 0);
  more('AMQP channels', before.channels, after.channels, 0);
  const most = (type: string): number =>
    Math.max(0, ...[...before.reports.values()].map(({ resources }) => resources[type] ?? 0));
  for (const [name, { resources }] of after.reports) {
    for (const [type, count] of Object.entries(resources)) {
      more(`${type} of ${name}`, most(type), count, type.startsWith('TCP') ? SLACK_SOCKETS : SLACK_TIMERS);
    }
  }
  const heap = [...after.reports.values()].map(({ heapUsedBytes }) => Math.round(heapUsedBytes / 2 ** 20));
  return {
    rule: 'no channel, connection, timer or socket leaks',
    passed: violations.length === 0,
    detail: `${after.connections} connections, ${after.channels} channels; heaps of ${heap.join(', ')} MiB`,
    violations,
  };
}

/** Growth of one process over the rounds of a long run, in quiet and after a collection. */
export function judgeFlatness(reports: readonly ReplicaReport[]): Verdict {
  const violations: string[] = [];
  const mebibytes = ({ heapUsedBytes }: ReplicaReport): number => Math.round(heapUsedBytes / 2 ** 20);
  // The first round warms up: compiled code, pools, the known exchanges.
  const [first, ...others] = reports.filter(({ pid }) => pid === reports.at(-1)?.pid);
  const last = others.at(-1);
  if (first && last && last.heapUsedBytes > first.heapUsedBytes * 1.25 + 10 * 2 ** 20)
    violations.push(`the heap grew from ${mebibytes(first)} to ${mebibytes(last)} MiB`);
  const handles = reports.map(({ resources }) => Object.values(resources).reduce((sum, one) => sum + one, 0));
  if (last && (handles.at(-1) ?? 0) > (handles[0] ?? 0) + SLACK_SOCKETS + SLACK_TIMERS)
    violations.push(`handles grew from ${String(handles[0])} to ${String(handles.at(-1))}`);
  return {
    rule: 'memory and handles of the eldest replica stay flat',
    passed: violations.length === 0,
    detail: `heap ${reports.map(mebibytes).join(' → ')} MiB, handles ${handles.join(' → ')}`,
    violations,
  };
}
