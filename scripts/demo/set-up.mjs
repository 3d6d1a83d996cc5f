import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { SetupError } from '../setup/failure.mjs';
import { until } from '../setup/run.mjs';
import { runningServers, killServersBeyond, stopServersBeyond } from './own-servers.mjs';

const PREPARE = fileURLToPath(new URL('./prepare.mjs', import.meta.url));

/**
 * The set-up step in a process of its own: Ctrl-C ends it and whatever it runs (npm, the compiler), while this process
 * lives on to stop the servers it may have started by then. Resolves to `{ rabbitmqUrl, databaseUrl, … }`.
 */
export async function setUp(goodbye) {
  const before = await runningServers();
  goodbye.remember(
    'servers',
    () => stopServersBeyond(before),
    () => killServersBeyond(before),
  );
  // Detached: a process group to end as a whole, and one that a terminal's Ctrl-C does not reach before we do.
  const child = fork(PREPARE, { detached: true, stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  const ended = new Promise((resolve) => child.once('close', resolve));
  goodbye.remember(
    'set-up',
    () => endGroup(child.pid, ended),
    () => signalGroup(child.pid, 'SIGKILL'),
  );
  const interrupt = () => signalGroup(child.pid, 'SIGINT');
  goodbye.signal.addEventListener('abort', interrupt);
  const servers = await Promise.race([
    new Promise((resolve) => child.once('message', resolve)),
    ended.then(() => undefined),
  ]);
  await ended;
  goodbye.signal.removeEventListener('abort', interrupt);
  goodbye.signal.throwIfAborted();
  // What went wrong has been said by the child, with its mend.
  if (!servers) throw new SetupError('The demo needs the set-up step, which has failed; it says why above.');
  return servers;
}

/** The child is waited for without limit: apt-get must not be left half way. What survives it is npm's. */
async function endGroup(pid, ended) {
  await ended;
  if (!signalGroup(pid, 'SIGTERM')) return;
  if (!(await until(() => !signalGroup(pid, 0), 10_000))) signalGroup(pid, 'SIGKILL');
}

/** Whether there was anybody to get it. */
function signalGroup(pid, signal) {
  try {
    return process.kill(-pid, signal);
  } catch (error) {
    if (error.code === 'ESRCH' || error.code === 'EPERM') return false;
    throw error;
  }
}
