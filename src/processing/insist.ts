import { setTimeout as sleep } from 'node:timers/promises';
import type { ChannelDelivery } from '../broker/broker.module';
import { backoffMs, type DependencyGate } from '../message/message.module';

export interface Insistence {
  readonly received: ChannelDelivery;
  /** What the work needs; while it is away the consumer pauses and nothing is tried. */
  readonly gate: DependencyGate;
  /** Aborted at the end of the shutdown grace. */
  readonly stop: AbortSignal;
  readonly work: () => Promise<void>;
  /** Looks at a failure, reports it where it belongs, mends what it can. @returns false when trying again is in vain. */
  readonly judge: (error: unknown) => Promise<boolean>;
}

/** `gave-up`: the channel is gone or the process is stopping, and the broker has the message. `in-vain`: as `judge` said. */
export type Insisted = 'done' | 'gave-up' | 'in-vain';

/**
 * Does `work` until it is done. Meanwhile the delivery stays unacknowledged: no nack, so that no delivery count rises and nothing loops.
 */
export async function insist({ received, gate, stop, work, judge }: Insistence): Promise<Insisted> {
  for (let failures = 1; ; failures++) {
    await gate.whenAvailable(stop);
    if (stop.aborted || !received.channel.isOpen) return 'gave-up';
    try {
      await work();
      return 'done';
    } catch (error) {
      if (!(await judge(error))) return 'in-vain';
      await sleep(backoffMs(failures, 50, 10_000), undefined, { signal: stop }).catch(() => undefined);
    }
  }
}
