import type { Draw } from '../../draw';
import { NAMESPACE, queueOf } from '../../load/kinds';
import type { Policy } from '../../stage/broker-server';
import type { Stage } from '../../stage/stage';
import type { Fault } from '../fault';
import { drawMs, drawUsualMs, seconds } from './lasting';

/* What an operator can do to the queues of the service from outside: a policy beats the arguments a queue was declared with. */

const TIERS = `^${NAMESPACE}\\.delay\\.`;
/** The only work queue under such policies: its messages may end as an effect or as a dead letter. */
const POLICED = exactly(queueOf('policed'));
/** Both have dead letters all the time. */
const WITH_DEAD_LETTERS = ['checked', 'flaky'] as const;

function exactly(queue: string): string {
  return `^${queue.replaceAll('.', '\\.')}$`;
}

function policy(
  name: string,
  drawPolicy: (draw: Draw) => Policy,
  meanwhile: (stage: Stage, draw: Draw, ms: number, signal: AbortSignal) => Promise<void> = (
    stage,
    _draw,
    ms,
    signal,
  ) => stage.pause(ms, signal),
): Fault {
  return {
    name: `policy: ${name}`,
    lane: 'surroundings',
    async strike(stage, draw, signal) {
      const ms = drawUsualMs(stage, draw);
      const drawn = drawPolicy(draw);
      const takeOff = await stage.broker.layPolicy(`chaos: ${name}`, drawn);
      try {
        await meanwhile(stage, draw, ms, signal);
      } finally {
        await takeOff();
      }
      return `${drawn.pattern}: ${wordsOf(drawn)} for ${seconds(ms)}`;
    },
  };
}

function wordsOf({ definition }: Policy): string {
  return Object.entries(definition)
    .map(([key, value]) => `${key} ${value}`)
    .join(', ');
}

const fullTiers = policy('delay tiers full', (draw) => ({
  pattern: TIERS,
  definition: { 'max-length': draw.between(0, 5), overflow: 'reject-publish' },
}));

const shortTiers = policy('delay tiers expire early', (draw) => ({
  pattern: TIERS,
  definition: { 'message-ttl': draw.between(50, 500) },
}));

const fullDeadLetters = policy('dead-letter queue full', (draw) => ({
  pattern: exactly(`${queueOf(draw.pick(WITH_DEAD_LETTERS))}.dlq`),
  definition: { 'max-length': draw.between(0, 1), overflow: 'reject-publish' },
}));

const dropHead = policy('work queue drops its oldest', (draw) => ({
  pattern: POLICED,
  definition: { 'max-length': draw.between(0, 10), overflow: 'drop-head' },
}));

const expiry = policy('work queue expires its messages', (draw) => ({
  pattern: POLICED,
  definition: { 'message-ttl': draw.between(0, 1_000) },
}));

/** A delivery counts once it has come back: so the connections are cut under it, again and again. */
const deliveryLimit = policy(
  'delivery limit',
  (draw) => ({ pattern: POLICED, definition: { 'delivery-limit': draw.between(0, 2) } }),
  async (stage, draw, ms, signal) => {
    const cuts = draw.between(2, 4);
    for (let cut = 1; cut <= cuts && !signal.aborted; cut++) {
      await stage.pause(ms / cuts, signal);
      for (const { amqp } of stage.replicas) amqp.cut();
    }
    // The broker counts what comes back before the policy is off.
    await stage.pause(drawMs(stage, draw, 1_000, 2_000), signal);
  },
);

export const policyFaults: readonly Fault[] = [
  fullTiers,
  shortTiers,
  fullDeadLetters,
  dropHead,
  expiry,
  deliveryLimit,
];
