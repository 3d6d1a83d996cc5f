import { names, type WorkQueue } from '../topology/topology.module';

/** What a queue is for; a policy does something else to each. */
export type QueueRole = 'work' | 'dead-letters' | 'delay' | 'unroutable';
export type ExchangeRole = 'dead-letters' | 'due' | 'delay' | 'unroutable' | 'application';

/** A queue that our guarantees rest on. */
export interface InspectedQueue {
  readonly name: string;
  readonly role: QueueRole;
  /** How long a delay tier holds a copy, in milliseconds. */
  readonly delayMs?: number;
  /** False for a work queue of somebody else (`declare: false`). */
  readonly isOurs: boolean;
  /** Where messages have to go that leave it unacknowledged; undefined: none may leave it so. */
  readonly exit?: { readonly exchange: string; readonly routingKey?: string };
}

export interface InspectedExchange {
  readonly name: string;
  readonly role: ExchangeRole;
}

export interface Inspected {
  readonly queues: readonly InspectedQueue[];
  readonly exchanges: readonly InspectedExchange[];
}

/** Everything on the broker that this process relies on. @param tiers durations in milliseconds. */
export function inspectedOf(
  namespace: string,
  work: readonly WorkQueue[],
  tiers: readonly number[],
): Inspected {
  const [dead, due, unroutable] = [names.dead(namespace), names.due(namespace), names.unroutable(namespace)];
  const tierName = (ms: number): string => names.tier(namespace, ms);
  const application = new Set(work.flatMap(({ bindings }) => bindings.map(({ exchange }) => exchange)));
  return {
    queues: [
      ...work.flatMap(({ queue, declare }): InspectedQueue[] => [
        { name: queue, role: 'work', isOurs: declare, exit: { exchange: dead, routingKey: queue } },
        { name: names.deadLetters(queue), role: 'dead-letters', isOurs: true },
      ]),
      ...tiers.map((ms): InspectedQueue => {
        return { name: tierName(ms), role: 'delay', delayMs: ms, isOurs: true, exit: { exchange: due } };
      }),
      { name: unroutable, role: 'unroutable', isOurs: true },
    ],
    exchanges: [
      { name: dead, role: 'dead-letters' },
      { name: due, role: 'due' },
      { name: unroutable, role: 'unroutable' },
      ...tiers.map((ms): InspectedExchange => ({ name: tierName(ms), role: 'delay' })),
      ...[...application].map((name): InspectedExchange => ({ name, role: 'application' })),
    ],
  };
}
