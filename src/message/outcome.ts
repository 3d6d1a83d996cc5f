/** Why a message ended up in the dead letters. Stable: written to the header `holdfast-reason`, to tables and metrics. */
export type DeadLetterReason =
  | 'permanent-error'
  | 'attempts-exhausted'
  | 'delivery-limit'
  | 'malformed'
  | 'too-large'
  | 'invalid'
  | 'unauthenticated'
  | 'no-handler'
  | 'missing-transaction-id'
  | 'transaction-id-conflict'
  | 'middleware-stopped';

const DEAD_LETTER_REASONS: Readonly<Record<DeadLetterReason, true>> = {
  'permanent-error': true,
  'attempts-exhausted': true,
  'delivery-limit': true,
  malformed: true,
  'too-large': true,
  invalid: true,
  unauthenticated: true,
  'no-handler': true,
  'missing-transaction-id': true,
  'transaction-id-conflict': true,
  'middleware-stopped': true,
};

export function isDeadLetterReason(value: unknown): value is DeadLetterReason {
  return typeof value === 'string' && Object.hasOwn(DEAD_LETTER_REASONS, value);
}

/** What a copy already committed in the inbox is waiting for: its publication was never confirmed. */
export interface RecordedCopy {
  readonly token: string;
  /** Failed tries the copy carries. */
  readonly failedAttempts: number;
}

/**
 * What becomes of one delivery. Every value has exactly one effect on the wire, stated in `docs/message-lifecycle.md`
 * and carried out by `consumer/settlement`.
 */
export type Outcome =
  | { readonly kind: 'completed' }
  | { readonly kind: 'duplicate' }
  | {
      readonly kind: 'retry';
      /** Milliseconds until the next try, at least. */
      readonly delayMs: number;
      readonly reason: string;
      readonly error?: unknown;
      readonly recorded?: RecordedCopy;
    }
  | { readonly kind: 'defer'; readonly reason: string; readonly delayMs: number }
  | {
      readonly kind: 'dead-letter';
      readonly reason: DeadLetterReason;
      readonly error?: unknown;
      readonly recorded?: RecordedCopy;
    }
  | { readonly kind: 'discard'; readonly reason: string }
  | { readonly kind: 'release'; readonly reason: ReleaseReason; readonly error?: unknown };

/** Failures that are not the message's: it stays with the broker and no attempt is spent. */
export type ReleaseReason = 'database' | 'publisher' | 'channel' | 'shutdown';

export type OutcomeKind = Outcome['kind'];

export const OUTCOME_KINDS: readonly OutcomeKind[] = [
  'completed',
  'duplicate',
  'retry',
  'defer',
  'dead-letter',
  'discard',
  'release',
];
