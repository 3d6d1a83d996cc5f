import { describeError } from './describe-error';
import type { Dependency, EventBus } from './events';

/**
 * Knows whether something Holdfast needs is there. Whoever meets a failure reports it; from then on one probe, with backoff
 * and jitter, asks for everybody, and one event tells each change.
 */
export class DependencyGate {
  private open = false;
  private failures = 0;
  private timer: NodeJS.Timeout | undefined;
  private closed = false;
  private probing = false;
  private waiters: (() => void)[] = [];
  private why: string | undefined = 'not reached yet';

  constructor(
    private readonly dependency: Dependency,
    private readonly probe: () => Promise<void>,
    private readonly events: EventBus,
    private readonly delayMs: (failures: number) => number,
  ) {}

  get available(): boolean {
    return this.open;
  }

  /** Why it is not available, in words; undefined when it is. */
  get reason(): string | undefined {
    return this.open ? undefined : this.why;
  }

  /** Begins to probe. */
  start(): void {
    void this.ask();
  }

  /** It did not answer: everybody waits from now on until a probe succeeds. */
  reportFailure(error: unknown): void {
    const was = this.open;
    this.open = false;
    this.why = describeError(error).message;
    if (was) {
      this.failures = 1;
      this.events.emit('dependency.changed', {
        dependency: this.dependency,
        available: false,
        reason: this.why,
      });
      this.schedule();
    }
  }

  /** Probes now instead of when the backoff is over: there is reason to hope. */
  hurry(): void {
    if (!this.open) void this.ask();
  }

  /** Resolves once it is available, or when `signal` aborts: look at `available`. */
  whenAvailable(signal?: AbortSignal): Promise<void> {
    if (this.open || this.closed || signal?.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const done = (): void => {
        signal?.removeEventListener('abort', done);
        resolve();
      };
      this.waiters.push(done);
      signal?.addEventListener('abort', done, { once: true });
    });
  }

  stop(): void {
    this.closed = true;
    clearTimeout(this.timer);
    this.wake();
  }

  private async ask(): Promise<void> {
    if (this.probing || this.closed) return;
    this.probing = true;
    clearTimeout(this.timer);
    try {
      await this.probe();
      this.failures = 0;
      if (!this.open) {
        this.open = true;
        this.events.emit('dependency.changed', { dependency: this.dependency, available: true });
        this.wake();
      }
    } catch (error) {
      this.failures++;
      const first = this.why === 'not reached yet';
      this.why = describeError(error).message;
      if (first) {
        this.events.emit('dependency.changed', {
          dependency: this.dependency,
          available: false,
          reason: this.why,
        });
      }
      this.schedule();
    } finally {
      this.probing = false;
    }
  }

  private schedule(): void {
    if (this.closed) return;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => void this.ask(), this.delayMs(Math.max(1, this.failures)));
  }

  private wake(): void {
    for (const waiter of this.waiters.splice(0)) waiter();
  }
}
