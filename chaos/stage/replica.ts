import type { AmqpWire, PostgresWire } from '../wires/wire';
import type { CrashPoint } from '../handlers/crash-points';

/** One process of the service. Whatever ends it, its supervisor starts it again, as Kubernetes would. */
export interface Replica {
  /** `replica-1` */
  readonly name: string;
  readonly amqp: AmqpWire;
  readonly postgres: PostgresWire;
  readonly isRunning: boolean;
  /** kill -9. Resolves when it has ended; the supervisor starts it anew. */
  kill(): Promise<void>;
  /** SIGTERM. Resolves with how it ended; a process that does not end within its grace is a violation. */
  terminate(): Promise<void>;
  freeze(): void;
  thaw(): void;
  /** The process kills itself when a message passes this point for the `count`-th time from now. Resolves with whether it did, in time. */
  dieAt(point: CrashPoint, count: number, withinMs: number): Promise<boolean>;
  /** Moves its wall clock by so many milliseconds; undefined where libfaketime is missing. */
  jumpClock: ((ms: number) => void) | undefined;
  /** Undefined when it is ready and all its consumers are attached; else what is missing. */
  ailment(): Promise<string | undefined>;
  /** Resolves when its readiness probe says yes and all its consumers are attached. */
  whenWell(signal: AbortSignal): Promise<void>;
}
