import { spawn } from 'node:child_process';
import { existsSync, openSync, closeSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { signalAll, waitUntilGone } from './processes.mjs';
import { sleep } from './run.mjs';

/* What the private RabbitMQ and the private Postgres have in common. */

/** Starts a server that outlives this process and this terminal, and waits until it answers. */
export async function launch(record, command, args, { answers, timeoutMs, ...options }) {
  const log = openSync(record.log, 'a');
  const child = spawn(command, args, { stdio: ['ignore', log, log], detached: true, cwd: '/', ...options });
  closeSync(log);
  let ended;
  child.on('error', (error) => (ended = error.message));
  child.on('exit', (code, signal) => (ended ??= `it ended at once (${signal ?? `exit code ${code}`})`));
  child.unref();

  const deadline = Date.now() + timeoutMs;
  for (;;) {
    const refusal = await answers().then(
      () => undefined,
      (error) => error.message,
    );
    if (!refusal) return child.pid;
    const reason =
      ended ?? (Date.now() > deadline ? `no answer within ${timeoutMs / 1000} s: ${refusal}` : undefined);
    if (reason) throw new Error(`${command} does not start: ${reason}\n${lastLines(record.log)}`);
    await sleep(100);
  }
}

/** Ends every process of the instance: kindly, then at once. */
export async function endProcesses(record, kindSignal, timeoutMs) {
  if (signalAll(record.marker, kindSignal) === 0) return;
  if (await waitUntilGone(record.marker, timeoutMs)) return;
  await killProcesses(record);
}

export async function killProcesses(record) {
  signalAll(record.marker, 'SIGKILL');
  if (!(await waitUntilGone(record.marker, 10_000))) {
    throw new Error(`processes of ${record.name} (marked ${record.marker}) survive SIGKILL`);
  }
}

/** An instance is ready once it has answered; without this mark its data may be half made, and is made anew. */
export const isReady = (record) => existsSync(readyMark(record));
export const markReady = (record) => writeFileSync(readyMark(record), '');
const readyMark = (record) => join(record.dir, 'ready');

export const removeData = (record) => rmSync(record.dir, { recursive: true, force: true, maxRetries: 5 });

function lastLines(path) {
  const lines = existsSync(path) ? readFileSync(path, 'utf8').trim().split('\n') : [];
  return [...lines.slice(-12).map((line) => `    ${line}`), `    (all of it: ${path})`].join('\n');
}
