import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { until } from './run.mjs';

/*
 * Servers are found by a marker in their command line, never by a remembered pid: after a reboot or a long pause the
 * pid may belong to somebody else's process.
 */

/** Pids of the living processes whose command line contains the marker. */
export function pidsWith(marker) {
  return listProcesses()
    .filter(({ pid, args }) => pid !== process.pid && args.includes(marker))
    .map(({ pid }) => pid);
}

/** Sends a signal to every process that carries the marker; how many there were. */
export function signalAll(marker, signal) {
  const pids = pidsWith(marker);
  for (const pid of pids) signalQuietly(pid, signal);
  return pids.length;
}

/** Waits until no process carries the marker; false when some still live at the end. */
export async function waitUntilGone(marker, timeoutMs) {
  return Boolean(await until(() => pidsWith(marker).length === 0, timeoutMs, 50));
}

/** When this process started: with the pid it names one process for ever. Undefined if it does not live. */
export function startOf(pid) {
  try {
    return existsSync('/proc/self/stat') ? startFromProc(pid) : startFromPs(pid);
  } catch {
    return undefined;
  }
}

/** After the name in brackets (which may hold blanks) come the state and, 19 fields on, the start time. */
function startFromProc(pid) {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /s, '')
    .split(' ');
  const isZombie = fields[0] === 'Z'; // Dead, but its parent (in containers often nobody) has not noticed.
  return isZombie ? undefined : fields[19];
}

const startFromPs = (pid) =>
  execFileSync('ps', ['-o', 'lstart=', '-p', String(pid)], { encoding: 'utf8' }).trim() || undefined;

/** Names a process so that `isAlive` can tell it from a later one with the same pid. */
export const identify = (pid = process.pid) => ({ pid, start: startOf(pid) });

export const isAlive = (identity) =>
  Boolean(identity?.pid && identity.start) && startOf(identity.pid) === identity.start;

function signalQuietly(pid, signal) {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if (error.code !== 'ESRCH') throw error;
  }
}

function listProcesses() {
  return existsSync('/proc/self/cmdline') ? listFromProc() : listFromPs();
}

function listFromProc() {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((name) => ({ pid: Number(name), args: readCommandLine(name) }))
    .filter(({ args }) => args !== '');
}

function readCommandLine(pid) {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
  } catch {
    return ''; // It ended between the two reads.
  }
}

function listFromPs() {
  const output = execFileSync('ps', ['-A', '-o', 'pid=,args='], { encoding: 'utf8', maxBuffer: 2 ** 26 });
  return output.split('\n').map((line) => {
    const [, pid, args = ''] = /^\s*(\d+)\s+(.*)$/.exec(line) ?? [];
    return { pid: Number(pid), args };
  });
}
