import type { ChannelDelivery } from '../broker/broker.module';
import type { InboxKey } from '../idempotency/idempotency.module';
import type { Outcome } from '../message/message.module';

/** An outcome to be carried out, and everything its copy has to say. */
export interface Settling {
  readonly received: ChannelDelivery;
  readonly outcome: Outcome;
  readonly key: InboxKey | undefined;
  readonly handler: string | undefined;
  /** Declares the consumer's queues again; called when its dead-letter queue turns out to be gone. */
  readonly restore: () => Promise<void>;
  /** The work queue's own arguments lead what is rejected to the dead letters. */
  readonly rejectsToDeadLetters: () => boolean;
  /** Aborted at the end of the shutdown grace: what is not settled by then goes back to the broker. */
  readonly stop: AbortSignal;
}

export interface Settled {
  /** The outcome that was carried out; another one where somebody else had settled the message meanwhile. */
  readonly outcome: Outcome;
  readonly acknowledged: boolean;
}
