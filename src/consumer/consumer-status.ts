import type { ConsumerState, Drift, Finding } from '../message/message.module';

/** One consumer as an operator sees it: `GET /api/v1/consumers`, readiness and the metrics read nothing else. */
export interface ConsumerStatus {
  readonly queue: string;
  readonly state: ConsumerState;
  /** Why it is not running, in words. */
  readonly reason: string | null;
  readonly handlers: readonly {
    readonly class: string;
    readonly method: string;
    readonly types: readonly string[];
    /** The most messages of one call; missing where each message is a call. */
    readonly batchSize?: number;
  }[];
  readonly idempotency: readonly string[];
  readonly concurrency: number;
  readonly prefetch: number;
  /** Handlers running now. */
  readonly inFlight: number;
  /** Delivered and waiting for a free handler, or held until a dependency answers. */
  readonly waiting: number;
  readonly paused: { readonly by: string; readonly at: string; readonly reason: string | null } | null;
  readonly drift: readonly Drift[];
  /** What policies, or a missing queue, do to its work queue and its dead-letter queue. */
  readonly findings: readonly Finding[];
  /** `['10s', '30s', '1m']`: the delays before each further try. */
  readonly retryDelays: readonly string[];
  readonly deadLetterQueue: string;
}
