import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { CrashPoint } from './crash-points';
import { lastWords } from './witness';

/** What the runner says to a replica. */
export type Order =
  | { readonly order: 'die-at'; readonly point: CrashPoint; readonly count: number }
  | { readonly order: 'spare' }
  | { readonly order: 'report' };

/** What a replica reports of itself when asked. */
export interface ReplicaReport {
  readonly pid: number;
  readonly rssBytes: number;
  /** After a collection. */
  readonly heapUsedBytes: number;
  /** Live resources of libuv by type, e.g. `{ TCPSocketWrap: 9, Timeout: 4 }`. */
  readonly resources: Readonly<Record<string, number>>;
  /** The longest the event loop was busy since the last report, in milliseconds. */
  readonly longestTurnMs: number;
}

let armed: { point: CrashPoint; left: number } | undefined;

/** A message has come to this point. Ends the process if it was told to die here. */
export function passing(point: CrashPoint, message: string): void {
  if (armed?.point !== point || --armed.left > 0) return;
  lastWords('died', message, '', point);
  process.kill(process.pid, 'SIGKILL');
  // The signal is handled before the next system call; nothing of ours runs on.
  for (;;) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1_000);
}

const turns = monitorEventLoopDelay({ resolution: 20 });
turns.enable();

function report(): ReplicaReport {
  (globalThis as { gc?: () => void }).gc?.();
  const { rss, heapUsed } = process.memoryUsage();
  const resources: Record<string, number> = {};
  for (const type of process.getActiveResourcesInfo()) resources[type] = (resources[type] ?? 0) + 1;
  const longestTurnMs = Math.round(turns.max / 1e6);
  turns.reset();
  return { pid: process.pid, rssBytes: rss, heapUsedBytes: heapUsed, resources, longestTurnMs };
}

export function takeOrders(): void {
  if (!process.channel) return;
  process.on('message', (message: Order) => {
    if (message.order === 'die-at') armed = { point: message.point, left: message.count };
    else if (message.order === 'spare') armed = undefined;
    else process.send?.(report());
  });
  // The runner was killed: nobody would ever end this process.
  process.on('disconnect', () => process.kill(process.pid, 'SIGKILL'));
  // The service ends by itself; the wire to the runner must not keep it.
  process.channel.unref();
  process.on('uncaughtExceptionMonitor', (error, origin) => {
    lastWords('uncaught', '', '', origin, JSON.stringify(String(error.stack)));
  });
}
