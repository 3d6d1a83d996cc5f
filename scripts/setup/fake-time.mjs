import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { installPackages, whyNoApt } from './apt.mjs';

/**
 * Sees to libfaketime, with which the chaos referee moves the clock of one replica. Installs it where packages can be installed; anywhere
 * else that one fault is left out, and the run says so.
 */
export async function ensureFakeTime({ log }) {
  if (isInstalled() || process.platform !== 'linux') return;
  const why = whyNoApt() ?? (await install(log));
  if (why) log(`no clock will be moved: libfaketime is not installed (${why})`);
}

async function install(log) {
  try {
    await installPackages(['libfaketime'], log);
    return undefined;
  } catch (error) {
    return error.message;
  }
}

function isInstalled() {
  if (!existsSync('/usr/lib')) return false;
  const folders = ['/usr/lib', ...readdirSync('/usr/lib').map((name) => join('/usr/lib', name))];
  return folders.some((folder) => existsSync(join(folder, 'faketime', 'libfaketime.so.1')));
}
