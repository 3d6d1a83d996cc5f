import { randomUUID } from 'node:crypto';
import type { InboxKey } from './claim';

/** The lease of a message ran out, or was taken over by another process, while its handler was running. */
export class LeaseLostError extends Error {
  override readonly name = 'LeaseLostError';

  constructor({ key }: Pick<Lease, 'key'>, why: string) {
    super(
      `the lease of "${key.transactionId}" was lost while its handler was running: ${why}. What it does from now on is refused; the message costs no attempt`,
    );
  }
}

/** The right to handle one message, for a limited time, which heartbeats lengthen. */
export interface Lease {
  /** With the token of this claim in place of the delivered copy's: to the row it is what gives the right to write it. */
  readonly key: InboxKey;
  readonly token: string;
  /** Of the row when it was claimed. Only grows while the row lives: the fencing token. */
  readonly version: number;
  /** By this process's own clock, and never later than the end that the database has written. */
  until: number;
  /** Ends the handler. */
  readonly lose: (error: LeaseLostError) => void;
}

/** Names claims. The first 23 characters say which process, the last 12 count its claims. */
export class ClaimTokens {
  private readonly owner = randomUUID().slice(0, 23);
  private claims = 0;

  next(): string {
    return `${this.owner}-${(++this.claims).toString(16).padStart(12, '0')}`;
  }
}
