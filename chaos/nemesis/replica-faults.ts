import { CRASH_POINTS, type CrashPoint } from '../handlers/crash-points';
import { KILLER_EVERY } from '../load/kinds';
import type { Fault } from './fault';

/* Faults of one process of the service. */

const kill: Fault = {
  name: 'replica: kill -9',
  lane: 'replica',
  weight: 3,
  async strike({ replicas }, draw) {
    const victims = draw.shuffle(replicas).slice(0, draw.between(1, Math.min(2, replicas.length)));
    await Promise.all(victims.map((replica) => replica.kill()));
    return victims.map(({ name }) => name).join(' and ');
  },
};

const terminate: Fault = {
  name: 'replica: SIGTERM',
  lane: 'replica',
  weight: 2,
  async strike({ replicas }, draw) {
    const victim = draw.pick(replicas);
    const startedAt = Date.now();
    await victim.terminate();
    return `${victim.name}, which ended after ${Date.now() - startedAt} ms`;
  },
};

const everyOne: Fault = {
  name: 'replica: rolling restart',
  lane: 'replica',
  async strike({ replicas }, draw, signal) {
    for (const replica of draw.shuffle(replicas)) {
      if (signal.aborted) break;
      await replica.terminate();
      await replica.whenWell(AbortSignal.any([signal, AbortSignal.timeout(20_000)]));
    }
    return `${replicas.length} replicas, one after the other`;
  },
};

/** Shorter and longer than the heartbeat: the broker may have given its messages to somebody else meanwhile. */
const freeze: Fault = {
  name: 'replica: SIGSTOP and SIGCONT',
  lane: 'replica',
  weight: 2,
  async strike({ replicas, pace, pause }, draw, signal) {
    const victim = draw.pick(replicas);
    const ms = Math.round(draw.between(1_000, draw.chance(0.5) ? 5_000 : 22_000) * pace);
    victim.freeze();
    try {
      await pause(ms, signal);
    } finally {
      victim.thaw();
    }
    return `${victim.name} for ${ms} ms`;
  },
};

const poison: Fault = {
  name: 'replica: poison message',
  lane: 'replica',
  async strike({ load }) {
    await load.publish('killer', KILLER_EVERY);
    return `one message that kills its process, among ${KILLER_EVERY - 1} that do not`;
  },
};

const clock: Fault = {
  name: 'replica: clock jumps',
  lane: 'replica',
  unavailable: ({ replicas }) =>
    replicas.some(({ jumpClock }) => jumpClock)
      ? undefined
      : 'libfaketime is not installed (Debian: apt-get install libfaketime)',
  async strike({ replicas, pace, pause }, draw, signal) {
    const victim = replicas.find(({ jumpClock }) => jumpClock);
    const minutes = draw.pick([-60, -5, -1, 1, 5, 60]);
    const ms = Math.round(draw.between(4_000, 12_000) * pace);
    victim?.jumpClock?.(minutes * 60_000);
    try {
      await pause(ms, signal);
    } finally {
      victim?.jumpClock?.(0);
    }
    return `${victim?.name ?? ''} by ${minutes} min for ${ms} ms, and back`;
  },
};

/** Points that few messages pass. */
const RARE = /^(?:retry|dead)-/;

function diesAt(point: CrashPoint): Fault {
  return {
    name: `replica: dies at ${point}`,
    lane: 'replica',
    async strike({ replicas, pace }, draw) {
      const victim = draw.pick(replicas);
      const count = draw.between(1, RARE.test(point) ? 3 : 40);
      const died = await victim.dieAt(point, count, Math.max(4_000, 15_000 * pace));
      return died
        ? `${victim.name}, at passing number ${count}`
        : `${victim.name}, spared: fewer than ${count} messages came by in time`;
    },
  };
}

export const replicaFaults: readonly Fault[] = [
  kill,
  terminate,
  everyOne,
  freeze,
  poison,
  clock,
  ...CRASH_POINTS.map(diesAt),
];
