import { fork, type ChildProcess } from 'node:child_process';

/** Of what a process that failed wrote last, so much tells why. */
const TOLD = 600;

export interface ChildOptions {
  readonly args?: readonly string[];
  /** For node itself. */
  readonly flags?: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
}

/** A process of the bench. Its messages are kept until somebody asks for them; an end before that is an error that says why. */
export class Child {
  private readonly process: ChildProcess;
  private readonly messages: unknown[] = [];
  private readonly closed: Promise<number | null>;
  private written = '';
  private wake: (() => void) | undefined;
  private hasClosed = false;

  constructor(
    private readonly name: string,
    script: string,
    { args = [], flags = [], environment }: ChildOptions,
  ) {
    this.process = fork(script, [...args], {
      execArgv: [...flags],
      env: { ...process.env, NODE_ENV: 'production', ...environment },
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    });
    for (const stream of [this.process.stdout, this.process.stderr])
      stream?.on('data', (chunk: Buffer) => (this.written = (this.written + chunk.toString()).slice(-TOLD)));
    this.process.on('message', (message) => {
      this.messages.push(message);
      this.wake?.();
    });
    this.closed = new Promise((resolve) => {
      this.process.on('error', (error) => (this.written += error.message));
      this.process.on('close', (code) => {
        this.hasClosed = true;
        this.wake?.();
        resolve(code);
      });
    });
  }

  get id(): number {
    return this.process.pid ?? 0;
  }

  /** The next thing it says. @throws Error when it ends, or says nothing for so long. */
  async next(timeoutMs: number): Promise<unknown> {
    const deadline = Date.now() + timeoutMs;
    while (this.messages.length === 0) {
      if (this.hasClosed) throw new Error(`${this.name} ended before it was done: ${this.why()}`);
      const left = deadline - Date.now();
      if (left <= 0) throw new Error(`${this.name} said nothing for ${timeoutMs} ms: ${this.why()}`);
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, left);
        this.wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
    return this.messages.shift();
  }

  say(message: string): void {
    if (this.process.connected) this.process.send(message);
  }

  /** Waits for its end. @throws Error when that was none in order. */
  async ended(): Promise<void> {
    const code = await this.closed;
    if (code !== 0) throw new Error(`${this.name} ended with ${String(code)}: ${this.why()}`);
  }

  /** Ends it, whatever it does. */
  async kill(): Promise<void> {
    if (!this.hasClosed) this.process.kill('SIGKILL');
    await this.closed;
  }

  /** Without the lines of a stack: the sentence is what tells. */
  private why(): string {
    const lines = this.written.split('\n').filter((line) => line.trim() !== '' && !/^\s+at /.test(line));
    return lines.join('\n').trim() || 'it wrote nothing';
  }
}
