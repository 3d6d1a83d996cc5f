import { EventEmitter } from 'node:events';
import type { Delivery } from './delivery';
import type { Finding, PolicyState } from './finding';
import type { Outcome } from './outcome';

export type ConsumerState =
  /** Not attached yet: the broker, the queue or the first reading of pauses is missing. */
  | 'starting'
  | 'running'
  /** An operator said so; holds until somebody resumes it. */
  | 'paused'
  /** It paused itself: a dependency it needs is away. */
  | 'waiting'
  /** Refused: the queue exists with arguments that change how it keeps messages. */
  | 'drifted'
  | 'stopped';

export type Dependency = 'database' | 'publisher';

/** One difference between what was declared and what exists. */
export interface Drift {
  readonly queue: string;
  readonly argument: string;
  readonly declared: string;
  readonly existing: string;
  /** True where consuming goes on: only a safety net is missing. */
  readonly tolerated: boolean;
  readonly mend: string;
}

/** Every event of the house, by name. Names are `noun.past-participle`. */
export interface HoldfastEvents {
  /** A handler is about to run, or a message is about to be judged without one. */
  'message.received': { readonly delivery: Delivery };
  /** The outcome is on the wire: acknowledged, or left to the broker. */
  'message.settled': {
    readonly delivery: Delivery;
    readonly outcome: Outcome;
    readonly transactionId: string | undefined;
    readonly traceId: string;
    readonly handler: string | undefined;
    /** From receiving to settling. */
    readonly durationMs: number;
    /** False when the channel was gone: the broker delivers it again. */
    readonly acknowledged: boolean;
  };
  'consumer.changed': { readonly queue: string; readonly state: ConsumerState; readonly reason?: string };
  'dependency.changed': {
    readonly dependency: Dependency;
    readonly available: boolean;
    readonly reason?: string;
  };
  'connection.changed': {
    readonly connection: 'consume' | 'publish';
    readonly state: 'connected' | 'disconnected' | 'blocked';
    readonly reason?: string;
  };
  'topology.drifted': { readonly queue: string; readonly drift: readonly Drift[] };
  /** What somebody else's policies, or a missing queue, do to our messages has changed. */
  'findings.changed': { readonly opened: readonly Finding[]; readonly closed: readonly Finding[] };
  /** Whether the policies of the broker can be read has changed, or is known for the first time. */
  'policies.checked': { readonly state: PolicyState; readonly reason?: string };
  /** The broker has confirmed a copy that waits in a delay tier. */
  'copy.delayed': {
    readonly tier: string;
    /** How long the tier holds it, in milliseconds. */
    readonly delayMs: number;
    readonly copyToken: string;
    /** Not after the copy reached the tier, from `performance.now()`. */
    readonly sentAt: number;
  };
  'publication.failed': { readonly exchange: string; readonly routingKey: string; readonly error: unknown };
  'retention.swept': { readonly table: string; readonly rows: number };
}

export type HoldfastEventName = keyof HoldfastEvents;

/** The house's event bus. A listener that throws is reported and never reaches the message path. */
export class EventBus {
  private readonly emitter = new EventEmitter().setMaxListeners(0);

  emit<Name extends HoldfastEventName>(name: Name, event: HoldfastEvents[Name]): void {
    this.emitter.emit(name, event);
  }

  /** @returns a function that takes the listener off again. */
  on<Name extends HoldfastEventName>(
    name: Name,
    listener: (event: HoldfastEvents[Name]) => void,
  ): () => void {
    const guarded = (event: HoldfastEvents[Name]): void => {
      try {
        listener(event);
      } catch (error) {
        process.emitWarning(`a listener of ${name} failed: ${String(error)}`, 'HoldfastListenerWarning');
      }
    };
    this.emitter.on(name, guarded);
    return () => this.emitter.off(name, guarded);
  }

  /** The next event that fits: what tests wait for instead of sleeping. */
  next<Name extends HoldfastEventName>(
    name: Name,
    fits: (event: HoldfastEvents[Name]) => boolean = () => true,
    timeoutMs = 30_000,
  ): Promise<HoldfastEvents[Name]> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        off();
        reject(new Error(`no fitting ${name} within ${String(timeoutMs)} ms`));
      }, timeoutMs);
      const off = this.on(name, (event) => {
        if (!fits(event)) return;
        clearTimeout(timer);
        off();
        resolve(event);
      });
    });
  }
}
