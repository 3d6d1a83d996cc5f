import { checkoutId } from './paths.mjs';
import { pidsWith, signalAll, waitUntilGone } from './processes.mjs';
import { findExecutable, run, until } from './run.mjs';

/*
 * Erlang's port mapper, one for each private server or cluster. Started by hand and under a name that tells whose it
 * is: the one Erlang starts by itself looks like any other, and outlives its servers.
 */

const FOLDERS = [
  '/usr/lib/erlang/bin',
  '/opt/homebrew/opt/erlang/lib/erlang/bin',
  '/usr/local/lib/erlang/bin',
];

/** Starts the port mapper of this owner, unless it runs; of two started at once one finds the port taken and leaves. */
export async function startEpmd(owner, port) {
  const marker = markerOf(owner);
  const epmd = await findEpmd();
  if (!epmd || pidsWith(marker).length > 0) return;
  await run(epmd, ['-port', String(port), '-address', '127.0.0.1', '-daemon'], { argv0: marker, cwd: '/' });
  await until(() => pidsWith(marker).length > 0, 2000, 20);
}

export async function stopEpmd(owner) {
  signalAll(markerOf(owner), 'SIGKILL');
  await waitUntilGone(markerOf(owner), 5000);
}

const markerOf = (owner) => `holdfast-${checkoutId}.${owner}.epmd`;

async function findEpmd() {
  const found = findExecutable('epmd', FOLDERS);
  if (found) return found;
  const print = 'io:format("~s/erts-~s/bin", [code:root_dir(), erlang:system_info(version)]), halt().';
  const { ok, output } = await run('erl', ['-noshell', '-eval', print], { timeoutMs: 10_000 });
  return ok ? findExecutable('epmd', [output]) : undefined;
}
