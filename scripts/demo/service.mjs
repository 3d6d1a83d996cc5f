import { spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { SetupError } from '../setup/failure.mjs';
import { root } from '../setup/paths.mjs';
import { processMarker } from './territory.mjs';

const START_MS = 60_000;
/** Longer than the service's own grace, after which it ends by itself. */
const STOP_MS = 20_000;

/** The real service as a process of its own, so that it can be killed like one. */
export class Service {
  #env;
  #child;
  #ended;
  #expected = false;

  constructor({ env, port, apiKey, logPath }) {
    this.#env = { ...env, PORT: String(port) };
    this.logPath = logPath;
    this.url = `http://localhost:${port}`;
    this.apiKey = apiKey;
  }

  /** Starts it and notes how to end it. `onEnd` hears of an end that nobody asked for. */
  start(onEnd) {
    const log = openSync(this.logPath, 'a');
    // In a group of its own: a terminal's Ctrl-C is for the demo, which then stops it in order.
    const child = spawn(process.execPath, [join(root, 'dist/main.js'), `${processMarker()}service`], {
      cwd: root,
      env: this.#env,
      stdio: ['ignore', log, log],
      detached: true,
    });
    closeSync(log);
    this.#child = child;
    this.#expected = false;
    this.#ended = new Promise((resolve) => {
      child.once('error', (error) => resolve(error.message));
      child.once('exit', (code, signal) => resolve(signal ?? `exit code ${code}`));
    }).then((how) => {
      this.#child = undefined;
      if (!this.#expected) onEnd(this.#complaint(`The service has ended (${how})`));
    });
  }

  get pid() {
    return this.#child?.pid;
  }

  /** kill -9: no chance to finish or to say goodbye. */
  async kill() {
    this.forceKill();
    await this.#ended;
  }

  forceKill() {
    this.#expected = true;
    this.#child?.kill('SIGKILL');
  }

  /** SIGTERM, and all the time it needs to finish what it has begun. */
  async stop() {
    this.#expected = true;
    this.#child?.kill('SIGTERM');
    const giveUp = setTimeout(() => this.#child?.kill('SIGKILL'), STOP_MS);
    await this.#ended;
    clearTimeout(giveUp);
  }

  async whenReady(signal) {
    const deadline = Date.now() + START_MS;
    for (;;) {
      signal.throwIfAborted();
      const answer = await this.ask('/health/ready').catch((error) => ({ error }));
      if (answer.ok) return;
      if (Date.now() > deadline) {
        const said = answer.error?.message ?? `${answer.status} ${await answer.text()}`;
        throw this.#complaint(`The service is not ready after ${START_MS / 1000} s (${said})`);
      }
      await sleep(100);
    }
  }

  ask(path) {
    return fetch(`${this.url}${path}`, {
      headers: { authorization: `Bearer ${this.apiKey}` },
      signal: AbortSignal.timeout(2_000),
    });
  }

  #complaint(what) {
    const lines = readFileSync(this.logPath, 'utf8').trim().split('\n').slice(-8);
    return new SetupError(
      `${what}. Its last words, all of them in ${this.logPath}:\n  ${lines.join('\n  ')}`,
    );
  }
}
