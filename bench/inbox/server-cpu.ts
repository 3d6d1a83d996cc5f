import { readFileSync } from 'node:fs';

/** Linux counts in hundredths of a second. */
const TICK_MS = 10;

/** CPU time of these processes of a Postgres server so far; undefined when they are not on this machine. */
export function serverCpuMs(pids: readonly number[]): number | undefined {
  try {
    return pids.reduce((sum, pid) => sum + cpuMsOf(readFileSync(`/proc/${String(pid)}/stat`, 'utf8')), 0);
  } catch {
    return undefined;
  }
}

/** Pure: fields 14 and 15 of the line are user and system time; the name in field 2 may hold blanks and brackets. */
export function cpuMsOf(stat: string): number {
  if (!/^\d+ \(postgres/.test(stat)) throw new Error('not a process of Postgres');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) * TICK_MS;
}
