import { HandlerTimeoutError, RetryLater, type Outcome } from '../../message/message.module';

/** Why messages are tried again, as a label: a fixed few, whatever consumers call their own reasons. */
export const RETRY_REASONS = ['error', 'timeout', 'retry-later'] as const;

export type RetryReason = (typeof RETRY_REASONS)[number];

/** The label of a retry. Never the reason in words: a label that holds error text grows without end. */
export function retryReason({ error }: Extract<Outcome, { kind: 'retry' }>): RetryReason {
  if (error instanceof HandlerTimeoutError) return 'timeout';
  if (error instanceof RetryLater) return 'retry-later';
  return 'error';
}
