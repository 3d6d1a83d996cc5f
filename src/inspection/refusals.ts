import { RefusedError } from '../broker/broker.module';
import type { Finding, HoldfastEvents } from '../message/message.module';
import { names } from '../topology/topology.module';

/** Which of our own queues refused a copy, for want of a look at their policies. A refused copy is tried again, so news keep coming. */
export class Refusals {
  private readonly lastAt = new Map<string, number>();

  /** @param memoryMs how long after the last refusal a queue counts as full. */
  constructor(
    private readonly namespace: string,
    private readonly memoryMs: number,
  ) {}

  note({ exchange, routingKey, error }: HoldfastEvents['publication.failed']): void {
    if (!(error instanceof RefusedError)) return;
    const isDeadLetter = exchange === names.dead(this.namespace);
    const isDelayed = exchange.startsWith(names.tiers(this.namespace));
    if (isDeadLetter || isDelayed)
      this.lastAt.set(isDeadLetter ? names.deadLetters(routingKey) : exchange, performance.now());
  }

  findings(): Finding[] {
    const since = performance.now() - this.memoryMs;
    for (const [queue, at] of this.lastAt) if (at < since) this.lastAt.delete(queue);
    return [...this.lastAt.keys()].map((queue) => ({
      object: queue,
      kind: 'refuses',
      policy: null,
      key: 'max-length',
      value: null,
      effect:
        'the broker takes no more copies for it: messages that failed stay unacknowledged and keep their places in the consumer',
      mend: 'empty the queue, or take the policy with a length limit off it: rabbitmqctl list_policies; HOLDFAST_MANAGEMENT_URL names it',
    }));
  }
}
