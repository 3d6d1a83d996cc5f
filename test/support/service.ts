import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { eventually } from './eventually';
import { repositoryRoot } from './servers';

/** The built service as a process of its own, as `npm start` and the container run it. */
export interface ServiceProcess {
  readonly address: string;
  readonly process: ChildProcess;
  /** Everything it has written so far. */
  output(): string;
  /** Resolves with the exit code, or the signal's name. */
  readonly ended: Promise<number | string>;
}

const MAIN = join(repositoryRoot, 'dist', 'main.js');

/** Starts it and returns at once. Nothing of this process's environment reaches it but the path. */
export async function startService(environment: Record<string, string>): Promise<ServiceProcess> {
  if (!existsSync(MAIN))
    throw new Error(`${MAIN} is missing: run the tests with npm test, or npm run build first`);
  const port = environment['PORT'] ?? String(await freePort());
  const child = spawn(process.execPath, [MAIN], {
    env: { PATH: process.env['PATH'] ?? '', ...environment, PORT: port },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk: Buffer) => (output += String(chunk)));
  const ended = new Promise<number | string>((resolve) => {
    child.on('close', (code, signal) => {
      resolve(code ?? signal ?? 'unknown');
    });
  });
  return { address: `http://127.0.0.1:${port}`, process: child, output: () => output, ended };
}

/** As `startService`, and waits until it listens. */
export async function startListening(environment: Record<string, string>): Promise<ServiceProcess> {
  const service = await startService(environment);
  await eventually(async () => {
    if (service.process.exitCode !== null) return;
    await fetch(`${service.address}/health/live`);
  }, 30_000);
  if (service.process.exitCode !== null) throw new Error(`the service ended: ${service.output()}`);
  return service;
}

export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}
