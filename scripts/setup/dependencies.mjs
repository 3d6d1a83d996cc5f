import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { SetupError } from './failure.mjs';
import { exitOnInterrupt } from './interrupts.mjs';
import { withLock } from './lock.mjs';
import { checkNodeVersion } from './node-version.mjs';
import { root } from './paths.mjs';
import { runVisibly } from './run.mjs';

/** Installs the packages unless node_modules holds what package-lock.json asks for. */
export async function ensureDependencies({ log = console.log } = {}) {
  checkNodeVersion();
  if (installedAsLocked(root)) return;
  const stopListening = exitOnInterrupt();
  try {
    await withLock('dependencies', () => (installedAsLocked(root) ? undefined : install(log)), { log });
  } finally {
    stopListening();
  }
}

async function install(log) {
  log('installing the packages of package-lock.json (npm ci)');
  const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm';
  const code = await runVisibly(npm, ['ci', '--no-audit', '--no-fund'], { cwd: root }).catch(String);
  if (code === 0) return;
  throw new SetupError(
    `npm ci failed (${code}); what it said is above.\n` +
      '  mend: if the registry cannot be reached, set your proxy or registry (npm config set registry <url>), then: npm ci',
  );
}

/** Whether node_modules of this folder holds what its package-lock.json asks for. */
export function installedAsLocked(folder) {
  const wanted = join(folder, 'package-lock.json');
  // npm writes this file last, so an interrupted installation has none.
  const installed = join(folder, 'node_modules', '.package-lock.json');
  if (!existsSync(installed)) return false;
  if (statSync(installed).mtimeMs >= statSync(wanted).mtimeMs) return true;
  // A checkout touches the file without changing it, and npm ci is slow and breaks whoever runs meanwhile.
  return sameContent(readPackages(wanted), readPackages(installed));
}

const readPackages = (path) => JSON.parse(readFileSync(path, 'utf8')).packages ?? {};

/** Whether every wanted package is there in the wanted version; optional ones of other platforms may be absent. */
export function sameContent(wanted, installed) {
  const isPackage = ([path, { link }]) => path.includes('node_modules/') && !link;
  return Object.entries(wanted)
    .filter(isPackage)
    .every(([path, { version, integrity, optional, peer }]) => {
      const there = installed[path];
      if (!there) return Boolean(optional || peer);
      return there.version === version && there.integrity === integrity;
    });
}
