import { createHash, randomBytes } from 'node:crypto';
import { realpathSync } from 'node:fs';
import { repositoryRoot } from './servers';

/** As in scripts/setup/paths.mjs, which sweeps away what bears this name and the pid of a process that has ended. */
const checkoutId = createHash('sha256').update(realpathSync(repositoryRoot)).digest('hex').slice(0, 8);

/** A name for something on a server that no other test, run or checkout uses at the same time. */
export function uniqueName(separator: '-' | '_', label: string): string {
  return ['holdfast', 'test', checkoutId, process.pid, label, randomBytes(3).toString('hex')].join(separator);
}

/** The same for all files that one jest worker runs. */
export function workerName(separator: '-' | '_'): string {
  return ['holdfast', 'test', checkoutId, process.pid, 'worker'].join(separator);
}
