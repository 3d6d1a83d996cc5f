import { linkSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { SetupError } from './failure.mjs';
import { identify, isAlive } from './processes.mjs';
import { stateDir } from './paths.mjs';
import { sleep } from './run.mjs';

/*
 * A lock file names its holder (pid and start time), so the lock of a killed process is nobody's and is taken over.
 */

/** Runs the function while this process alone holds the named lock. */
export async function withLock(name, action, { log, timeoutMs = 600_000 } = {}) {
  const path = join(stateDir, `${name}.lock`);
  mkdirSync(stateDir, { recursive: true });
  await acquire(path, name, log, Date.now() + timeoutMs);
  const releaseAtExit = () => rmSync(path, { force: true });
  process.once('exit', releaseAtExit);
  try {
    return await action();
  } finally {
    process.removeListener('exit', releaseAtExit);
    releaseAtExit();
  }
}

async function acquire(path, name, log, deadline) {
  for (let announced = false; ;) {
    if (create(path)) return;
    const holder = readHolder(path);
    if (holder && !isAlive(holder)) {
      takeAway(path, holder);
      continue;
    }
    if (!announced && holder) log?.(`waiting for process ${holder.pid}, which holds ${name}.lock`);
    announced ||= Boolean(holder);
    if (Date.now() > deadline) {
      throw new SetupError(
        `Process ${holder?.pid} has held ${path} for too long.\n` +
          `  mend: end that process (kill ${holder?.pid}) or, if it is not a Holdfast script, delete the file.`,
      );
    }
    await sleep(50 + Math.random() * 50);
  }
}

/** A link appears whole or not at all, so nobody ever reads a lock without its holder. */
function create(path) {
  const draft = `${path}.${process.pid}.${Math.random().toString(36).slice(2)}`;
  writeFileSync(draft, JSON.stringify(identify()));
  try {
    linkSync(draft, path);
    return true;
  } catch (error) {
    if (error.code === 'EEXIST') return false;
    throw error;
  } finally {
    rmSync(draft, { force: true });
  }
}

function readHolder(path) {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch {
    return undefined; // Released in between.
  }
}

/** Two waiters may both see a dead holder: the slower one may have moved the quicker one's new lock, and puts it back. */
function takeAway(path, deadHolder) {
  const aside = `${path}.dead.${process.pid}`;
  try {
    renameSync(path, aside);
  } catch {
    return; // Another waiter was quicker.
  }
  const moved = readHolder(aside);
  if (moved && moved.start !== deadHolder.start) {
    try {
      linkSync(aside, path);
    } catch {
      // A third waiter has it by now.
    }
  }
  rmSync(aside, { force: true });
}
