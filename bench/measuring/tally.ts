import { now, type BenchMessage } from './order';
import { percentile } from '../report/statistics';

/** What the tally of a run expects, and when its clock starts. */
export interface Expected {
  /** Different messages. */
  readonly messages: number;
  /** Deliveries to be settled; more than messages where some come twice. */
  readonly deliveries: number;
  /** So many are settled, and failures so many, before the clock starts: the compiler of the engine is busy until then. */
  readonly warmUp: number;
  /** The first try of each message is to fail. */
  readonly failsFirst?: boolean;
}

/** What one run counted; milliseconds after the warm-up. */
export interface Counted {
  readonly distinct: number;
  readonly repeated: number;
  /** Settled while the clock ran. */
  readonly timed: number;
  readonly elapsedMs: number;
  /** Processor time of the consuming process, all threads, while the clock ran. */
  readonly cpuMs: number;
  /** The same since the first delivery, warm-up included. */
  readonly cpuMsOfAll: number;
  /** Failures settled while the clock ran, and until the last of them. */
  readonly failures: { readonly timed: number; readonly elapsedMs: number };
  /** From the publication to the acknowledgement, where messages tell when they were published. */
  readonly latency: { readonly p50: number; readonly p99: number } | undefined;
}

class Clock {
  private startedAt: number | undefined;
  private cpuAtStart: NodeJS.CpuUsage | undefined;
  private count = 0;

  constructor(private readonly warmUp: number) {}

  tick(): number {
    this.count++;
    if (this.startedAt === undefined && this.count >= this.warmUp) {
      this.cpuAtStart = process.cpuUsage();
      this.startedAt = performance.now();
    }
    return this.count;
  }

  get isRunning(): boolean {
    return this.startedAt !== undefined;
  }

  read(): Pick<Counted, 'timed' | 'elapsedMs' | 'cpuMs'> {
    const { user, system } = process.cpuUsage(this.cpuAtStart);
    const elapsedMs = performance.now() - (this.startedAt ?? performance.now());
    return { timed: this.count - this.warmUp, elapsedMs, cpuMs: (user + system) / 1_000 };
  }
}

/** Counts what one run handles: each message by its number, and the time from the end of the warm-up to the last settled one. */
export class Tally {
  private readonly times: Uint8Array;
  private readonly clock: Clock;
  private readonly failureClock: Clock;
  private readonly latencies: number[] = [];
  private failures = { timed: 0, elapsedMs: 0 };
  private cpuAtFirst: NodeJS.CpuUsage | undefined;
  private distinct = 0;
  private repeated = 0;
  private settledCount = 0;
  private finish: (() => void) | undefined;
  private fail: ((error: Error) => void) | undefined;

  constructor(private readonly expected: Expected) {
    this.times = new Uint8Array(expected.messages);
    this.clock = new Clock(expected.warmUp);
    this.failureClock = new Clock(expected.warmUp);
  }

  /** A handler has begun with this message. @returns whether this try is to fail. */
  handling({ sequence }: BenchMessage): boolean {
    this.cpuAtFirst ??= process.cpuUsage();
    const before = this.times[sequence];
    if (before === undefined) throw new Error(`message ${String(sequence)} was never sent`);
    this.times[sequence] = before + 1;
    if (before === 0) this.distinct++;
    else this.repeated++;
    return before === 0 && this.expected.failsFirst === true;
  }

  /** The way of a message ends: the acknowledgement is written, or is what its library does next. */
  settled(message?: BenchMessage): void {
    this.settledCount = this.clock.tick();
    if (message?.sentAt !== undefined && this.clock.isRunning) this.latencies.push(now() - message.sentAt);
    if (this.settledCount === this.expected.deliveries) this.finish?.();
  }

  /** A failed try is settled: its copy is with the broker, the original acknowledged. */
  failed(): void {
    const count = this.failureClock.tick();
    if (count !== this.expected.messages) return;
    const { timed, elapsedMs } = this.failureClock.read();
    this.failures = { timed, elapsedMs };
  }

  /** Something became of a message that must not: the run is over. */
  broken(why: string): void {
    this.fail?.(new Error(why));
  }

  /** Resolves when all are settled. @throws Error when that takes longer than `timeoutMs`, or when it is broken. */
  async whenAllSettled(timeoutMs: number): Promise<Counted> {
    const { deliveries } = this.expected;
    await new Promise<void>((resolve, reject) => {
      const timer = setTimeout(() => {
        reject(new Error(`only ${this.settledCount} of ${deliveries} were settled in ${timeoutMs} ms`));
      }, timeoutMs);
      this.finish = () => {
        clearTimeout(timer);
        // One turn of the event loop, so that the last acknowledgement is on the wire, whoever writes it.
        setImmediate(resolve);
      };
      this.fail = (error) => {
        clearTimeout(timer);
        reject(error);
      };
      if (this.settledCount === deliveries) this.finish();
    });
    const read = this.clock.read();
    const { user, system } = process.cpuUsage(this.cpuAtFirst);
    const sorted = Float64Array.from(this.latencies).sort();
    return {
      distinct: this.distinct,
      repeated: this.repeated,
      ...read,
      cpuMsOfAll: (user + system) / 1_000,
      failures: this.failures,
      latency:
        sorted.length > 0 ? { p50: percentile(sorted, 0.5), p99: percentile(sorted, 0.99) } : undefined,
    };
  }
}
