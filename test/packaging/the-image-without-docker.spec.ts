import { execFile, spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, cpSync, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { DockerfileParser } from 'dockerfile-ast';
import type { Copy } from 'dockerfile-ast';
import { parse } from 'yaml';
import { createTestDatabase } from '../support/databases';
import type { TestDatabase } from '../support/databases';
import { repositoryRoot } from '../support/servers';
import { createTestVhost } from '../support/vhosts';
import type { TestVhost } from '../support/vhosts';

/*
 * What the Dockerfile would put into the image, put into a folder instead and run as its user, with the environment of
 * docker-compose.yml: shows that nothing the service needs at run time is missing from the image.
 */
const execute = promisify(execFile);
const dockerfile = DockerfileParser.parse(readFileSync(join(repositoryRoot, 'Dockerfile'), 'utf8'));
const finalStage = dockerfile.getFROMs().at(-1)!.getRange().start.line;
const argumentsOf = (keyword: string): string =>
  dockerfile
    .getInstructions()
    .filter((one) => one.getKeyword() === keyword)
    .at(-1)!
    .getArgumentsContent()!;

describe('the image, without Docker', () => {
  let folder: string;
  let vhost: TestVhost;
  let database: TestDatabase;
  let service: ChildProcess;
  let port: string;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'holdfast-image-'));
    chmodSync(folder, 0o755); // The image's user must get in.
    await buildImage(folder);
    [vhost, database] = await Promise.all([createTestVhost(), createTestDatabase()]);
    service = startService(folder, { RABBITMQ_URL: vhost.url, DATABASE_URL: database.url, PORT: '0' });
    port = await readPort(service);
  }, 300_000);

  afterAll(async () => {
    service.kill('SIGKILL');
    await Promise.all([vhost.remove(), database.drop()]);
    rmSync(folder, { recursive: true, force: true });
  });

  it('serves its probes', async () => {
    expect((await fetch(`http://127.0.0.1:${port}/health/live`)).status).toBe(200);
  });

  it('passes its own health check, and fails it where nothing listens', async () => {
    const [command, ...args] = JSON.parse(argumentsOf('HEALTHCHECK').replace(/^.*?CMD /s, '')) as string[];
    await execute(command!, args, { env: { PATH: process.env.PATH, PORT: port } });
    await expect(execute(command!, args, { env: { PATH: process.env.PATH, PORT: '1' } })).rejects.toThrow();
  });

  it('ends well on SIGTERM', async () => {
    const ended = once(service, 'exit');
    service.kill('SIGTERM');
    expect(await ended).toEqual([0, null]);
  });
});

async function buildImage(folder: string): Promise<void> {
  const build = join(folder, 'build');
  const image = join(folder, 'app');
  for (const file of ['package.json', 'package-lock.json', '.npmrc']) copy(repositoryRoot, file, build);
  if (!existsSync(join(repositoryRoot, 'dist', 'main.js')))
    throw new Error('dist/ is missing: npm run build');
  cpSync(join(repositoryRoot, 'dist'), join(build, 'dist'), { recursive: true });
  await execute('npm', ['ci', '--omit=dev', '--ignore-scripts', '--prefer-offline'], { cwd: build });

  for (const instruction of dockerfile.getCOPYs().filter((one) => one.getRange().start.line > finalStage)) {
    const source = isFromBuild(instruction) ? build : repositoryRoot;
    for (const path of sourcesOf(instruction)) copy(source, path, image);
  }
}

const isFromBuild = (instruction: Copy): boolean =>
  instruction.getFlags().some((flag) => flag.getName() === 'from');

const sourcesOf = (instruction: Copy): string[] =>
  instruction
    .getArguments()
    .map(String)
    .slice(0, -1)
    .map((path) => path.replace(/^\/app\//, ''));

function copy(from: string, path: string, to: string): void {
  cpSync(join(from, path), join(to, path), { recursive: true });
}

function startService(folder: string, env: Record<string, string>): ChildProcess {
  const compose = parse(readFileSync(join(repositoryRoot, 'docker-compose.yml'), 'utf8')) as {
    services: { holdfast: { environment: Record<string, string> } };
  };
  const [command, ...args] = JSON.parse(argumentsOf('CMD')) as string[];
  const [uid, gid] = argumentsOf('USER').split(':').map(Number);
  return spawn(command!, args, {
    cwd: resolve(folder, 'app'),
    // The test's user may not be able to become another one; in the pipeline it is root.
    ...(process.getuid?.() === 0 ? { uid, gid } : {}),
    env: {
      PATH: process.env.PATH,
      NODE_ENV: 'production',
      ...compose.services.holdfast.environment,
      ...env,
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
}

/** From the first log line that says where it listens. */
async function readPort(service: ChildProcess): Promise<string> {
  const said: string[] = [];
  for await (const line of createInterface({ input: service.stdout! })) {
    said.push(line);
    const port = /listening: http:\/\/[^:/]+:(\d+)/.exec(line)?.[1];
    if (port) {
      service.stdout!.resume();
      return port;
    }
  }
  throw new Error(`the service ended without listening:\n${said.join('\n')}`);
}
