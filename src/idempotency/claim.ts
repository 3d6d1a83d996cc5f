import type { DeadLetterReason, Outcome } from '../message/message.module';

/** One message of one consumer. */
export interface InboxKey {
  readonly consumer: string;
  readonly transactionId: string;
  /** sha256 of the body, cut to 16 bytes: enough to tell a repetition from another message under the same id. */
  readonly bodyHash: Buffer;
  /** The copy that was delivered; undefined for what the producer published. */
  readonly copyToken: string | undefined;
}

export type InboxState = 'running' | 'completed' | 'discarded' | 'retrying' | 'dead';

export interface InboxClaimRow {
  readonly state: InboxState;
  readonly body_hash: Buffer;
  readonly failed_attempts: number;
  readonly copy_token: string | null;
  readonly copy_confirmed: boolean;
  /** Milliseconds until the next try is due, or the lease of a running one ends; null when there is none. */
  readonly due_in_ms: number | null;
  readonly reason: string | null;
}

/** How long a delivery stands aside at most while a twin of it runs. */
const ASIDE_MS = 5_000;

/**
 * What a delivery means that found its inbox row taken. Pure; the table is in `docs/message-lifecycle.md`.
 * @returns `again` when the row has just gone or has just become this delivery's own; `take-over` when its lease has run out.
 */
export function judgeClaim(row: InboxClaimRow | undefined, key: InboxKey): Outcome | 'again' | 'take-over' {
  if (!row) return 'again';
  const isRunning = row.state === 'running';
  if (!isRunning && row.copy_token !== null && row.copy_token === key.copyToken) return 'again';
  if (!row.body_hash.equals(key.bodyHash)) {
    return {
      kind: 'dead-letter',
      reason: 'transaction-id-conflict',
      error: new Error(
        `transaction id "${key.transactionId}" was used before for another body; give every message an id of its own`,
      ),
    };
  }
  if (isRunning) {
    const left = row.due_in_ms ?? 0;
    // Never a duplicate: whoever runs it may be the dead process that had this very delivery.
    return left > 0
      ? { kind: 'defer', reason: 'twin-running', delayMs: Math.min(ASIDE_MS, Math.ceil(left)) }
      : 'take-over';
  }
  if (row.copy_token === null || row.copy_confirmed) return { kind: 'duplicate' };
  // Somebody recorded a copy and died before it was confirmed: this delivery is the only one left to send it.
  const recorded = { token: row.copy_token, failedAttempts: row.failed_attempts };
  if (row.state === 'dead')
    return {
      kind: 'dead-letter',
      reason: (row.reason ?? 'attempts-exhausted') as DeadLetterReason,
      recorded,
    };
  return {
    kind: 'retry',
    delayMs: Math.max(0, row.due_in_ms ?? 0),
    reason: row.reason ?? 'unknown',
    recorded,
  };
}
