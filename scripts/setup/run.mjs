import { spawn, spawnSync } from 'node:child_process';
import { accessSync, constants, statSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

export { sleep };

/** Runs a command to its end and resolves to its exit code and output; never rejects. */
export function run(command, args, options = {}) {
  const { timeoutMs, onLine, ...spawnOptions } = options;
  return new Promise((resolve) => {
    const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], ...spawnOptions });
    let output = '';
    const take = (chunk) => {
      output += chunk;
      onLine?.(String(chunk));
    };
    child.stdout?.on('data', take);
    child.stderr?.on('data', take);
    const timer = timeoutMs && setTimeout(() => child.kill('SIGKILL'), timeoutMs);
    const finish = (code, error) => {
      clearTimeout(timer);
      resolve({ ok: code === 0, code, output: error ? String(error.message) : output.trim() });
    };
    child.on('error', (error) => finish(-1, error));
    child.on('close', (code, signal) => finish(code ?? `killed by ${signal}`));
  });
}

/** Runs a command with this terminal's input and output and resolves to its exit code. */
export function runVisibly(command, args, options = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: 'inherit', ...options });
    child.on('error', reject);
    child.on('close', (code, signal) => resolve(code ?? (signal === 'SIGINT' ? 130 : 1)));
  });
}

/** The first of these folders, then of PATH, that holds an executable of this name: its full path. */
export function findExecutable(name, folders = []) {
  const candidates = [...folders, ...(process.env.PATH ?? '').split(delimiter)];
  return candidates
    .filter(Boolean)
    .map((folder) => join(folder, name))
    .find(isExecutable);
}

function isExecutable(path) {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

/** User and group number of a system user, or undefined where there is no such user. */
export function lookUpUser(name) {
  const [uid, gid] = ['-u', '-g'].map((flag) => spawnSync('id', [flag, name], { encoding: 'utf8' }));
  return uid.status === 0 && gid.status === 0
    ? { name, uid: Number(uid.stdout), gid: Number(gid.stdout) }
    : undefined;
}

/** Polls until the function returns something truthy, and returns that; undefined when time is up. */
export async function until(attempt, timeoutMs, intervalMs = 100) {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    const result = await attempt();
    if (result) return result;
    if (Date.now() >= deadline) return undefined;
    await sleep(intervalMs);
  }
}
