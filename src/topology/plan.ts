import { formatDuration } from '../message/message.module';

export type QueueType = 'quorum' | 'classic';

export interface ExchangePlan {
  readonly name: string;
  readonly type: string;
  readonly arguments: Readonly<Record<string, string>>;
  /** True for exchanges of the application: declared only where missing, whatever type they have. */
  readonly foreign: boolean;
}

export interface QueuePlan {
  readonly name: string;
  readonly arguments: Readonly<Record<string, string | number>>;
}

export interface BindingPlan {
  readonly exchange: string;
  readonly queue: string;
  readonly routingKey: string;
}

export interface TopologyPlan {
  readonly exchanges: readonly ExchangePlan[];
  readonly queues: readonly QueuePlan[];
  readonly bindings: readonly BindingPlan[];
}

export interface WorkQueue {
  readonly queue: string;
  readonly queueType: QueueType;
  /** False: the queue belongs to somebody else and must exist; only what is Holdfast's own is declared beside it. */
  readonly declare: boolean;
  readonly bindings: readonly { exchange: string; routingKey: string; exchangeType: string }[];
}

export const names = {
  dead: (namespace: string) => `${namespace}.dead`,
  due: (namespace: string) => `${namespace}.due`,
  unroutable: (namespace: string) => `${namespace}.unroutable`,
  tier: (namespace: string, ms: number) => `${names.tiers(namespace)}${formatDuration(ms)}`,
  /** How the names of all tiers begin. */
  tiers: (namespace: string) => `${namespace}.delay.`,
  deadLetters: (queue: string) => `${queue}.dlq`,
};

/** How often the broker may deliver a message before it gives up; far above our own limit, so that ours decides. */
const BROKER_DELIVERY_LIMIT = 1_000;

/** What every consumer shares. */
export function housePlan(namespace: string): TopologyPlan {
  const unroutable = names.unroutable(namespace);
  return {
    exchanges: [
      own(names.dead(namespace), 'direct'),
      own(unroutable, 'fanout'),
      // A copy whose work queue is gone falls through to here; without it one deleted queue stalls its whole tier.
      own(names.due(namespace), 'direct', { 'alternate-exchange': unroutable }),
    ],
    queues: [{ name: unroutable, arguments: { 'x-queue-type': 'quorum' } }],
    bindings: [{ exchange: unroutable, queue: unroutable, routingKey: '' }],
  };
}

/**
 * One delay: a fanout exchange and a queue of the same name. A copy keeps the work queue's name as its routing key and
 * comes back through the due exchange, at least once. Never `x-expires`: an expiring queue drops what is in it.
 */
export function tierPlan(namespace: string, ms: number): TopologyPlan {
  const name = names.tier(namespace, ms);
  return {
    exchanges: [own(name, 'fanout')],
    queues: [
      {
        name,
        arguments: {
          'x-queue-type': 'quorum',
          'x-message-ttl': ms,
          'x-dead-letter-exchange': names.due(namespace),
          'x-dead-letter-strategy': 'at-least-once',
          'x-overflow': 'reject-publish',
        },
      },
    ],
    bindings: [{ exchange: name, queue: name, routingKey: '' }],
  };
}

/** The work queue, its dead-letter queue, and the ways to both. */
export function consumerPlan(namespace: string, work: WorkQueue): TopologyPlan {
  const dead = names.dead(namespace);
  const deadLetters = names.deadLetters(work.queue);
  const workQueue = { name: work.queue, arguments: workQueueArguments(work, dead) };
  return {
    exchanges: work.bindings.map(({ exchange, exchangeType }) => ({
      name: exchange,
      type: exchangeType,
      arguments: {},
      foreign: true,
    })),
    queues: [
      { name: deadLetters, arguments: { 'x-queue-type': 'quorum' } },
      ...(work.declare ? [workQueue] : []),
    ],
    bindings: [
      { exchange: dead, queue: deadLetters, routingKey: work.queue },
      { exchange: names.due(namespace), queue: work.queue, routingKey: work.queue },
      ...work.bindings.map(({ exchange, routingKey }) => ({ exchange, queue: work.queue, routingKey })),
    ],
  };
}

/** What the broker itself gives up on (its delivery limit, a length limit, a TTL by policy) goes to the dead letters too. */
function workQueueArguments(work: WorkQueue, dead: string): Record<string, string | number> {
  const net = { 'x-dead-letter-exchange': dead, 'x-dead-letter-routing-key': work.queue };
  if (work.queueType === 'classic') return net;
  return {
    'x-queue-type': 'quorum',
    ...net,
    'x-dead-letter-strategy': 'at-least-once',
    'x-overflow': 'reject-publish',
    'x-delivery-limit': BROKER_DELIVERY_LIMIT,
  };
}

function own(name: string, type: string, args: Record<string, string> = {}): ExchangePlan {
  return { name, type, arguments: args, foreign: false };
}
