import { rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { installedAsLocked } from './dependencies.mjs';
import { SetupError } from './failure.mjs';
import { withLock } from './lock.mjs';
import { root, stateDir } from './paths.mjs';
import { runVisibly } from './run.mjs';

const PEERS = join(root, 'bench', 'peers');
const COMPILED = join(stateDir, 'bench');
const COMPILED_PEERS = join(COMPILED, 'bench', 'peers');

/** Installs what Holdfast is measured beside into bench/peers/node_modules, unless it holds what its package-lock.json asks for. */
export async function ensurePeers({ log = console.log } = {}) {
  const areThere = () => installedAsLocked(PEERS);
  if (areThere()) return;
  await withLock('peers', () => (areThere() ? undefined : install(log)), { log });
}

async function install(log) {
  log('installing the peers of bench/peers/package-lock.json (npm ci)');
  const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm';
  const code = await runVisibly(npm, ['ci', '--no-audit', '--no-fund'], { cwd: PEERS }).catch(String);
  if (code === 0) return;
  throw new SetupError(
    `npm ci failed in bench/peers (${code}); what it said is above.\n` +
      '  mend: if the registry cannot be reached, set your proxy or registry (npm config set registry <url>), then run this again.',
  );
}

/** Compiles bench/ into `.holdfast/bench`, where only its peers find the peers' packages: Holdfast itself uses its own. */
export async function compileBench() {
  const tsc = join(root, 'node_modules/typescript/bin/tsc');
  const code = await runVisibly(process.execPath, [tsc, '-p', 'bench/tsconfig.build.json'], { cwd: root });
  if (code !== 0)
    throw new SetupError(
      'bench/ does not compile; the compiler says why above.\n  mend: correct it, then run this again.',
    );
  const link = join(COMPILED_PEERS, 'node_modules');
  rmSync(link, { force: true, recursive: true });
  symlinkSync(join(PEERS, 'node_modules'), link, 'junction');
}
