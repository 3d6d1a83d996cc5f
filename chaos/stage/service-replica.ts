import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { repositoryRoot } from '../../test/support/servers';
import type { Order, ReplicaReport } from '../handlers/control';
import type { CrashPoint } from '../handlers/crash-points';
import type { AmqpWire, PostgresWire } from '../wires/wire';
import { fakeClock, type FakeClock } from './fake-clock';
import type { Replica } from './replica';

const API_KEY = 'chaos-referee-key';
/** Its grace for running handlers, and what may follow after it. */
const SHUTDOWN_GRACE_MS = 5_000;
const MOST_SHUTDOWN_MS = SHUTDOWN_GRACE_MS + 12_000;
/** As a supervisor starts a container again: at once, then not in a loop. */
const RESTART_MS = 300;

export interface ReplicaOptions {
  readonly name: string;
  readonly port: number;
  readonly amqp: AmqpWire;
  readonly postgres: PostgresWire;
  /** The addresses given to the service; normally those of its wires. */
  readonly rabbitmqUrl: string;
  /** Of the management API, for the inspection of policies; past the wires. */
  readonly managementUrl: string;
  /** Past the wires, for effects of consumers without idempotency. */
  readonly databaseUrl: string;
  /** Where its log and its history go. */
  readonly folder: string;
  readonly hasFakeClock: boolean;
  /** Called for every end of a process: why, and whether the run wanted it. */
  readonly died: (name: string, why: string, wanted: boolean) => void;
}

interface ConsumerLine {
  readonly queue: string;
  readonly state: string;
}

/** Whatever ends the run, its replicas end with it. */
const alive = new Set<ChildProcess>();
process.once('exit', () => {
  for (const child of alive) child.kill('SIGKILL');
});

/** One replica: `dist/main.js` in a process of its own, started again whenever it ends. */
export class ServiceReplica implements Replica {
  readonly name: string;
  readonly amqp: AmqpWire;
  readonly postgres: PostgresWire;
  /** Set at the end of the run, when everything is to be as after a quiet day: no more restarts. */
  private retired = false;
  private child: ChildProcess | undefined;
  private ended: Promise<void> = Promise.resolve();
  /** Why the run ends the process that runs now; undefined: nobody wants it to end. */
  private wish: string | undefined;
  private readonly clock: FakeClock | undefined;

  constructor(private readonly options: ReplicaOptions) {
    this.name = options.name;
    this.amqp = options.amqp;
    this.postgres = options.postgres;
    this.clock = options.hasFakeClock ? fakeClock(join(options.folder, `${this.name}.clock`)) : undefined;
  }

  get isRunning(): boolean {
    return this.child !== undefined;
  }

  get jumpClock(): ((ms: number) => void) | undefined {
    const { clock } = this;
    return (
      clock &&
      ((ms) => {
        clock.set(ms);
      })
    );
  }

  start(): void {
    const { options } = this;
    const log = openSync(this.logPath, 'a');
    this.wish = undefined;
    const child = spawn(process.execPath, ['--expose-gc', join(repositoryRoot, 'dist', 'main.js')], {
      cwd: repositoryRoot,
      stdio: ['ignore', log, log, 'ipc'],
      env: {
        PATH: process.env['PATH'],
        PORT: String(options.port),
        RABBITMQ_URL: options.rabbitmqUrl,
        DATABASE_URL: this.postgres.url,
        HOLDFAST_MANAGEMENT_URL: options.managementUrl,
        HOLDFAST_NAMESPACE: 'chaos',
        HOLDFAST_HANDLERS: join(__dirname, '..', 'handlers'),
        HOLDFAST_API_KEYS: `chaos:admin:${API_KEY}`,
        HOLDFAST_HEARTBEAT: '5s',
        HOLDFAST_PUBLISH_TIMEOUT: '5s',
        HOLDFAST_DATABASE_TIMEOUT: '5s',
        HOLDFAST_SHUTDOWN_GRACE: `${SHUTDOWN_GRACE_MS}ms`,
        HOLDFAST_LOG_MESSAGES: 'none',
        CHAOS_REPLICA: this.name,
        CHAOS_HISTORY: this.historyFolder,
        CHAOS_DATABASE_URL: options.databaseUrl,
        ...this.clock?.environment,
      },
    });
    closeSync(log);
    this.child = child;
    alive.add(child);
    // An order to a process that has just died.
    child.on('error', () => undefined);
    this.ended = new Promise((resolve) => {
      child.once('exit', (code, signal) => {
        void this.bury(child, code, signal).finally(resolve);
      });
    });
  }

  async kill(): Promise<void> {
    this.wish ??= 'kill -9';
    this.child?.kill('SIGKILL');
    await this.ended;
  }

  async terminate(): Promise<void> {
    this.wish ??= 'SIGTERM';
    const { child } = this;
    child?.kill('SIGTERM');
    const late = new AbortController();
    await Promise.race([
      this.ended,
      sleep(MOST_SHUTDOWN_MS, undefined, { signal: late.signal }).then(
        () => {
          this.wish = undefined;
          child?.kill('SIGKILL');
        },
        () => undefined,
      ),
    ]);
    late.abort();
    await this.ended;
  }

  freeze(): void {
    this.child?.kill('SIGSTOP');
  }

  thaw(): void {
    this.child?.kill('SIGCONT');
  }

  async dieAt(point: CrashPoint, count: number, withinMs: number): Promise<boolean> {
    const { child } = this;
    if (!child) return false;
    this.wish = `died at ${point}`;
    this.order({ order: 'die-at', point, count });
    const inTime = await Promise.race([this.ended.then(() => true), sleep(withinMs, false, { ref: false })]);
    if (inTime) return true;
    this.order({ order: 'spare' });
    if (this.child === child) this.wish = undefined;
    return false;
  }

  /** What the process says of itself; undefined when it does not answer in time. */
  async report(timeoutMs = 5_000): Promise<ReplicaReport | undefined> {
    const { child } = this;
    if (!child) return undefined;
    return new Promise((resolve) => {
      const timer = setTimeout(() => {
        child.off('message', answer);
        resolve(undefined);
      }, timeoutMs);
      const answer = (report: unknown): void => {
        clearTimeout(timer);
        resolve(report as ReplicaReport);
      };
      child.once('message', answer);
      this.order({ order: 'report' });
    });
  }

  async isReady(): Promise<boolean> {
    return (await this.get('/health/ready'))?.ok === true;
  }

  /** Undefined when it is ready and all its consumers are attached; else what is missing. */
  async ailment(): Promise<string | undefined> {
    if (!this.isRunning) return 'it does not run';
    const ready = await this.get('/health/ready');
    if (!ready) return 'it does not answer';
    if (!ready.ok) return `not ready: ${(await ready.text()).slice(0, 400)}`;
    const response = await this.get('/api/v1/consumers');
    if (!response?.ok) return 'its consumers are unknown';
    const body = (await response.json()) as { consumers?: ConsumerLine[] } | ConsumerLine[];
    const consumers = Array.isArray(body) ? body : (body.consumers ?? []);
    const away = consumers.filter(({ state }) => state !== 'running');
    if (consumers.length === 0) return 'it has no consumers';
    return away.length === 0 ? undefined : away.map(({ queue, state }) => `${queue} ${state}`).join(', ');
  }

  async whenWell(signal: AbortSignal): Promise<void> {
    while ((await this.ailment()) !== undefined && !signal.aborted) await sleep(200);
  }

  /** Ends it for good, in order. */
  async retire(): Promise<void> {
    this.retired = true;
    if (this.child) await this.terminate();
    await this.amqp.close();
    await this.postgres.close();
  }

  get logPath(): string {
    return join(this.options.folder, `${this.name}.log`);
  }

  get historyFolder(): string {
    return join(this.options.folder, 'history');
  }

  private order(order: Order): void {
    if (this.child?.connected) this.child.send(order, () => undefined);
  }

  private async get(path: string): Promise<Response | undefined> {
    try {
      return await fetch(`http://127.0.0.1:${this.options.port}${path}`, {
        headers: { authorization: `Bearer ${API_KEY}` },
        signal: AbortSignal.timeout(3_000),
      });
    } catch {
      return undefined;
    }
  }

  private async bury(child: ChildProcess, code: number | null, signal: NodeJS.Signals | null): Promise<void> {
    this.child = undefined;
    alive.delete(child);
    const poison = await this.lastWordsOf(child.pid ?? 0);
    const how = signal ?? `exit code ${String(code)}`;
    const asWished = this.wish === 'SIGTERM' ? code === 0 : this.wish !== undefined && signal === 'SIGKILL';
    const why = poison ?? (asWished ? (this.wish ?? '') : `by itself: ${how}`);
    this.options.died(this.name, why, poison !== undefined || asWished);
    if (this.retired) return;
    setTimeout(() => {
      if (!this.retired) this.start();
    }, RESTART_MS);
  }

  /** A process that poison kills has said so. */
  private async lastWordsOf(pid: number): Promise<string | undefined> {
    try {
      const text = await tail(join(this.historyFolder, `${this.name}-${pid}.tsv`));
      const last = text.trimEnd().split('\n').at(-1)?.split('\t') ?? [];
      if (last[1] !== 'died') return undefined;
      return last[4] === 'poison' ? 'poison message' : `died at ${last[4] ?? ''}`;
    } catch {
      return undefined;
    }
  }
}

async function tail(path: string, bytes = 4_096): Promise<string> {
  const file = await open(path);
  try {
    const { size } = await file.stat();
    const { buffer, bytesRead } = await file.read(Buffer.alloc(bytes), 0, bytes, Math.max(0, size - bytes));
    return buffer.subarray(0, bytesRead).toString('utf8');
  } finally {
    await file.close();
  }
}
