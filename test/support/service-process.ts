import { spawn, type ChildProcess } from 'node:child_process';
import { EventEmitter } from 'node:events';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { repositoryRoot } from './servers';
import { evaluate } from './script-module';

const MAIN = join(repositoryRoot, 'dist', 'main.js');

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** The real service in a process of its own, to be killed. Whoever starts one ends it with `kill`. */
export class ServiceProcess {
  readonly lines: string[] = [];
  readonly ended: Promise<Ended>;
  private readonly output = new EventEmitter().setMaxListeners(0);

  private constructor(private readonly child: ChildProcess) {
    this.ended = new Promise((resolve) => {
      child.once('close', (code, signal) => {
        resolve({ code, signal });
      });
    });
    for (const stream of [child.stdout, child.stderr]) {
      if (!stream) continue;
      createInterface({ input: stream }).on('line', (line) => {
        if (process.env['TEST_LOGS']) process.stderr.write(`${line}\n`);
        this.lines.push(line);
        this.output.emit('line', line);
      });
    }
  }

  /** @param handlers a folder below test/fixtures. */
  static async start(handlers: string, environment: Record<string, string>): Promise<ServiceProcess> {
    await buildOnce();
    const child = spawn(process.execPath, [MAIN], {
      cwd: repositoryRoot,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: {
        PATH: process.env['PATH'],
        HOLDFAST_HANDLERS: join(repositoryRoot, 'test', 'fixtures', handlers),
        HOLDFAST_LOG_MESSAGES: 'failures',
        ...environment,
        PORT: '0',
      },
    });
    return new ServiceProcess(child);
  }

  /** The `count`-th line that fits, of those already written or still to come. */
  line(fits: (line: string) => boolean, { count = 1, timeoutMs = 30_000 } = {}): Promise<string> {
    return new Promise((resolve, reject) => {
      let seen = 0;
      const end = (): void => {
        clearTimeout(timer);
        this.output.off('line', look);
      };
      const look = (line: string): void => {
        if (!fits(line) || ++seen < count) return;
        end();
        resolve(line);
      };
      const timer = setTimeout(() => {
        end();
        reject(
          new Error(
            `${seen} of ${count} lines within ${timeoutMs} ms; the last ones: ${this.lines.slice(-20).join('\n')}`,
          ),
        );
      }, timeoutMs);
      this.output.on('line', look);
      for (const line of this.lines) look(line);
      void this.ended.then(({ code, signal }) => {
        end();
        reject(
          new Error(
            `the service ended (${String(code ?? signal)}) after ${seen} of ${count} lines: ${this.lines.slice(-20).join('\n')}`,
          ),
        );
      });
    });
  }

  /** kill -9. */
  async kill(): Promise<Ended> {
    this.child.kill('SIGKILL');
    return this.ended;
  }

  /** It stands still, as under a debugger or in a machine that is moved; `thaw` lets it go on. */
  freeze(): void {
    this.child.kill('SIGSTOP');
  }

  thaw(): void {
    this.child.kill('SIGCONT');
  }

  /** Asks it to stop in order. */
  async terminate(): Promise<Ended> {
    this.child.kill('SIGTERM');
    return this.ended;
  }
}

let building: Promise<void> | undefined;

/** `npm test` has built already; a single file run by hand must not test an old build. */
function buildOnce(): Promise<void> {
  return (building ??= build());
}

async function build(): Promise<void> {
  const result = await evaluate('setup/build.mjs', 'it.ensureBuild({ log: () => undefined })');
  const error = (result as { error?: { message: string } } | undefined)?.error;
  if (error) throw new Error(error.message);
  if (!existsSync(MAIN)) throw new Error('dist/main.js is missing.\n  mend: npm run build');
}
