import { parseDuration, type Delivery, type Duration } from '../message/message.module';

/**
 * Whether the clock may have run on since a message was first judged: it is a retry or a replay, which come back through
 * our own due exchange, or the broker delivers it once more. These arrive minutes or days after the producer signed, so
 * neither the tolerance of a timestamp nor the expiry of a token is asked of them as of a first delivery.
 *
 * Believed is only what the broker says (`viaRetry`: the exchange it came from; `redelivered`), never a header. Whoever may
 * publish to a queue could write `x-retry-count` or `holdfast-replay` on an old message that they once read, and for a token,
 * which is not bound to its message, even on a message of their own. What remains for someone who may publish to the
 * due exchange as well (grant that to Holdfast alone):
 * - nothing is skipped but the clock: signature, key, issuer, audience and "not before" are judged on every delivery;
 * - the clock is not stopped but set back: older than `maxAge` is refused. Its default is the default retention of the
 *   inbox: for that long a signed message sent again is the same transaction id, a duplicate without effect. Raise it no
 *   further than the retention; with idempotency `off`, where nobody remembers ids, set it to the longest path of retries.
 */
export function isFollowUp(delivery: Delivery): boolean {
  return delivery.viaRetry || delivery.redelivered;
}

export const DEFAULT_MAX_AGE: Duration = '14d';

/** Whole seconds of a duration option. @throws TypeError naming the option. */
export function secondsOf(option: string, value: Duration): number {
  try {
    return Math.floor(parseDuration(value) / 1000);
  } catch (error) {
    throw new TypeError(`${option}: ${(error as Error).message}`, { cause: error });
  }
}

export function nowInSeconds(): number {
  return Math.floor(Date.now() / 1000);
}
