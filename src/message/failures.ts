import { describeError } from './describe-error';
import { parseDuration, type Duration } from './duration';
import { isDeadLetterReason, type DeadLetterReason } from './outcome';

/** A reason is a few words: it is recorded with the message. */
const LONGEST_REASON = 1_000;

/** Throw it from a handler when trying again cannot help: the message becomes a dead letter at once. */
export class PermanentError extends Error {
  override readonly name: string = 'PermanentError';
}

/**
 * Throw it to be called again after a delay of your choosing, e.g. `new RetryLater('10m')`.
 * It uses up an attempt like any other failure, so that it cannot go on for ever.
 */
export class RetryLater extends Error {
  override readonly name = 'RetryLater';
  /** Milliseconds. */
  readonly delayMs: number;

  constructor(delay: Duration, message = `retry in ${String(delay)}`, options?: ErrorOptions) {
    super(message, options);
    this.delayMs = parseDuration(delay);
  }
}

/** Throw it when there is nothing to do: the message is recorded as discarded, and what the handler wrote is rolled back. */
export class Discard extends Error {
  override readonly name = 'Discard';
  readonly reason: string;

  constructor(reason: string) {
    const words = wordsOf(reason);
    super(words);
    this.reason = words;
  }
}

/** A dead letter with a reason of its own; what built-in middleware throws. */
export class Rejected extends PermanentError {
  override readonly name = 'Rejected';
  /** `permanent-error` where it was made with a reason that dead letters do not have. */
  readonly deadLetterReason: DeadLetterReason;

  constructor(reason: DeadLetterReason, message: string, options?: ErrorOptions) {
    super(message, options);
    this.deadLetterReason = isDeadLetterReason(reason) ? reason : 'permanent-error';
  }
}

/** The handler ran longer than its `timeout`. Transient: the retry policy decides. */
export class HandlerTimeoutError extends Error {
  override readonly name = 'HandlerTimeoutError';

  constructor(readonly timeoutMs: number) {
    super(
      `the handler did not finish within its timeout of ${String(timeoutMs)} ms; its transaction was rolled back`,
    );
  }
}

/** The abort reason of `ctx.signal` when the process stops before the handler has finished. */
export class ShutdownError extends Error {
  override readonly name = 'ShutdownError';

  constructor() {
    super('the process is shutting down; the message goes back to the broker and no attempt is counted');
  }
}

/** Handlers in plain JavaScript give anything for a reason, or nothing; what is recorded must be text. */
function wordsOf(reason: unknown): string {
  if (reason === undefined || reason === null || reason === '') return 'no reason given';
  const { name, message } = describeError(reason);
  return (name === 'NonError' ? message : `${name}: ${message}`).slice(0, LONGEST_REASON).toWellFormed();
}
