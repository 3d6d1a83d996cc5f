import { NAMESPACE, queueOf } from '../../load/kinds';
import type { QueueFigures } from '../../stage/broker-server';
import type { Stage } from '../../stage/stage';
import type { Fault } from '../fault';
import { seconds } from './lasting';

const KIND = 'doomed';
const QUEUE = queueOf(KIND);
const DEAD_LETTERS = `${QUEUE}.dlq`;

/** The broker counts quorum queues every 5 s: younger figures may be older than that. */
const STALE_MS = 6_000;
const LOOK_MS = 250;
const MOST_DRAINING_MS = 40_000;
const MOST_REPAIR_MS = 30_000;
/** A node that is killed within a second of a declaration may forget the queue for ever. */
const REMEMBERED_MS = 2_000;

/**
 * Somebody deletes a queue that is in use. What is in a deleted queue is gone and nobody's fault, so its producer waits meanwhile, and
 * the queue is deleted when nothing of it is anywhere: neither in it, nor with a handler, nor on its way back from a delay.
 */
function deleted(name: string, andDeadLetters: boolean): Fault {
  return {
    name,
    lane: 'surroundings',
    async strike(stage, _draw, signal) {
      await stage.load.holdBack(KIND);
      try {
        const rest = await untilDrained(stage, signal);
        if (rest !== undefined) return `left alone: ${rest}`;
        const deadLetters = andDeadLetters ? await deleteDeadLetters(stage) : '';
        await stage.broker.deleteQueue(QUEUE);
        return `${QUEUE}${deadLetters}; ${await untilAttached(stage, signal)}`;
      } finally {
        stage.load.resume(KIND);
      }
    },
  };
}

/** @returns what is in the way, when it does not drain in time. */
async function untilDrained(stage: Stage, signal: AbortSignal): Promise<string | undefined> {
  const startedAt = performance.now();
  let quietSince = startedAt;
  let longestDelayMs = 0;
  for (;;) {
    const queues = await stage.broker.queues();
    const now = performance.now();
    const work = queues.find(({ name }) => name === QUEUE);
    if (!work) return `${QUEUE} is not there`;
    longestDelayMs = Math.max(longestDelayMs, ...queues.filter(holdsAnything).map(delayOf));
    if (holdsAnything(work)) quietSince = now;
    const quietMs = now - quietSince;
    if (quietMs > STALE_MS + longestDelayMs) return undefined;
    if (signal.aborted || now - startedAt > MOST_DRAINING_MS) {
      const { ready, unacknowledged } = work;
      return `${ready} ready, ${unacknowledged} unacknowledged, quiet for ${seconds(quietMs)} while delays last ${seconds(longestDelayMs)}`;
    }
    await stage.pause(LOOK_MS, signal);
  }
}

/** Before the work queue: whoever attaches to that one anew declares this one too. */
async function deleteDeadLetters({ broker }: Stage): Promise<string> {
  const queue = (await broker.queues()).find(({ name }) => name === DEAD_LETTERS);
  if (!queue) return `; ${DEAD_LETTERS} was not there`;
  if (holdsAnything(queue))
    return `; ${DEAD_LETTERS} was left: it holds ${queue.ready + queue.unacknowledged} messages`;
  await broker.deleteQueue(DEAD_LETTERS);
  return ` and ${DEAD_LETTERS}`;
}

/** @throws Error when nobody has declared it anew in time. */
async function untilAttached(stage: Stage, signal: AbortSignal): Promise<string> {
  const startedAt = performance.now();
  for (;;) {
    const consumers = (await stage.broker.queues()).find(({ name }) => name === QUEUE)?.consumers;
    const passedMs = performance.now() - startedAt;
    const isLate = signal.aborted || passedMs > MOST_REPAIR_MS;
    if (consumers === undefined && isLate)
      throw new Error(`${QUEUE} is not back ${seconds(passedMs)} after it was deleted`);
    if (consumers !== undefined && (consumers >= stage.replicas.length || isLate)) {
      await stage.pause(REMEMBERED_MS, signal);
      return `${consumers} consumers again after ${seconds(passedMs)}`;
    }
    await stage.pause(LOOK_MS, signal);
  }
}

function holdsAnything({ ready, unacknowledged }: QueueFigures): boolean {
  return ready + unacknowledged > 0;
}

const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const TIER = new RegExp(`^${NAMESPACE}\\.delay\\.(\\d+)(ms|[smhd])$`);

/** How long a message rests in this queue, by its name: `chaos.delay.3s`; 0 for a queue that is no delay tier. */
function delayOf({ name }: QueueFigures): number {
  const [, count, unit] = TIER.exec(name) ?? [];
  return Number(count ?? 0) * (UNITS[unit ?? ''] ?? 0);
}

export const queueFaults: readonly Fault[] = [
  deleted('queue: deleted in use', false),
  deleted('queue: deleted in use, with its dead-letter queue', true),
];
