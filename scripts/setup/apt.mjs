import { closeSync, existsSync, mkdirSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { holdInterrupts } from './interrupts.mjs';
import { stateDir } from './paths.mjs';
import { pidsWith } from './processes.mjs';
import { findExecutable, run, until } from './run.mjs';

const POLICY = '/usr/sbin/policy-rc.d';
const POLICY_TEXT =
  '#!/bin/sh\n# Written by Holdfast while it installs packages; remove it if no installation runs.\nexit 101\n';
const LOCK_WAIT = ['-o', 'DPkg::Lock::Timeout=120'];

/** Undefined if packages can be installed here, else why not. */
export function whyNoApt() {
  if (!findExecutable('apt-get')) return 'this is not Debian or Ubuntu (there is no apt-get)';
  if (!/^ID(_LIKE)?=.*\b(debian|ubuntu)\b/m.test(readOsRelease())) return 'this is not Debian or Ubuntu';
  if (process.getuid() !== 0) return 'only root may install packages';
  return undefined;
}

/** Installs the packages without starting their services. Rejects with the last words of apt-get. */
export async function installPackages(packages, log) {
  mkdirSync(stateDir, { recursive: true });
  const logFile = join(stateDir, 'apt.log');
  log(`installing ${packages.join(' and ')} with apt-get (details in ${logFile})`);
  await holdInterrupts(
    () => withServicesHeldBack(() => install(packages, logFile)),
    () => log('interrupted: waiting for apt-get to end, so that no package is left half installed'),
  );
}

async function install(packages, logFile) {
  // Heals what an installation that was killed before has left half configured.
  await aptStep('dpkg', ['--configure', '-a'], logFile);
  const update = await aptStep('apt-get', [...LOCK_WAIT, 'update'], logFile);
  const result = await aptStep(
    'apt-get',
    [...LOCK_WAIT, 'install', '-y', '--no-install-recommends', ...packages],
    logFile,
  );
  if (result.ok) return;
  const reasons = [update, result].filter(({ ok }) => !ok).map(({ errors }) => errors);
  throw new Error(reasons.join('; '));
}

/** In a session of its own, so that neither Ctrl-C nor the end of this process breaks dpkg in the middle. */
async function aptStep(command, args, logFile) {
  let last;
  await until(
    async () => {
      last = await runLogged(command, args, logFile);
      return last.ok || !/Could not get lock|Unable to lock/.test(last.errors);
    },
    120_000,
    3000,
  );
  return last;
}

async function runLogged(command, args, logFile) {
  const start = existsSync(logFile) ? readFileSync(logFile).length : 0;
  const log = openSync(logFile, 'a');
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  const result = await run(command, args, { env, stdio: ['ignore', log, log], detached: true });
  closeSync(log);
  const output = readFileSync(logFile).subarray(start).toString();
  const errors = output.split('\n').filter((line) => /^(E:|dpkg: error)/.test(line));
  return { ok: result.ok, errors: errors.join(' ') || `${command} ${args.at(-1)} failed (${result.code})` };
}

/** Debian asks policy-rc.d before it starts the service of a fresh package; 101 means no. */
async function withServicesHeldBack(action) {
  try {
    writeFileSync(POLICY, POLICY_TEXT, { mode: 0o755, flag: 'wx' });
  } catch (error) {
    if (error.code !== 'EEXIST') throw error; // The machine has its own policy, which stays as it is.
  }
  try {
    return await action();
  } finally {
    removeOwnPolicy();
  }
}

function removeOwnPolicy() {
  if (existsSync(POLICY) && readFileSync(POLICY, 'utf8') === POLICY_TEXT) rmSync(POLICY, { force: true });
}

/** Removes what a set-up that was killed left behind, unless its apt-get still runs. */
export function removeAbandonedPolicy() {
  if (process.getuid?.() === 0 && pidsWith('apt-get ').length === 0) removeOwnPolicy();
}

const readOsRelease = () => (existsSync('/etc/os-release') ? readFileSync('/etc/os-release', 'utf8') : '');
