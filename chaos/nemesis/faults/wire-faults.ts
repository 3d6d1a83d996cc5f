import type { Draw } from '../../draw';
import type { Undo, Wire } from '../../wires/wire';
import type { Fault } from '../fault';
import { drawMs, drawReplicas, drawUsualMs, namesOf, seconds, timesOf, withTrouble } from './lasting';

/** The wires of a replica, by what they carry; the same words as in `Replica`. */
const CABLES = ['amqp', 'postgres'] as const;
type Cable = (typeof CABLES)[number];

function connectionsCut(name: string, cables: readonly Cable[]): Fault {
  return {
    name,
    lane: 'surroundings',
    weight: 2,
    async strike(stage, draw, signal) {
      const replicas = drawReplicas(stage, draw);
      const share = draw.pick([0.25, 0.5, 1]);
      const times = draw.between(1, 4);
      let connections = 0;
      for (let time = 1; time <= times && !signal.aborted; time++) {
        for (const replica of replicas) {
          for (const cable of cables) connections += replica[cable].cut(share);
        }
        await stage.pause(drawMs(stage, draw, 300, 3_000), signal);
      }
      return `${namesOf(replicas, stage)}, ${share * 100} % of them ${timesOf(times)}: ${connections} connections`;
    },
  };
}

/** One trouble as drawn: how to make it, how it is told, and how long it lasts if not as long as usual. */
interface Planned {
  readonly make: (wire: Wire) => Undo;
  readonly what?: string;
  readonly ms?: number;
}

/** A trouble on the cables of one kind, of some or all replicas. */
function troubled(name: string, cable: Cable, plan: (draw: Draw) => Planned): Fault {
  return {
    name: `${cable}: ${name}`,
    lane: 'surroundings',
    async strike(stage, draw, signal) {
      const replicas = drawReplicas(stage, draw);
      const usualMs = drawUsualMs(stage, draw);
      const { make, what, ms = usualMs } = plan(draw);
      await withTrouble(
        replicas,
        (replica) => make(replica[cable]),
        () => stage.pause(ms, signal),
      );
      return `${namesOf(replicas, stage)}, ${what === undefined ? '' : `${what} `}for ${seconds(ms)}`;
    },
  };
}

/** Longer than two heartbeats of 5 s, whatever the pace: both ends give the connection up before it is mended. */
function beyondHeartbeat(cable: Cable, draw: Draw): { ms: number } | undefined {
  return cable === 'amqp' && draw.chance(0.4) ? { ms: draw.between(11_000, 16_000) } : undefined;
}

const SERVER: Readonly<Record<Cable, string>> = { amqp: 'broker', postgres: 'database' };

function troublesOf(cable: Cable): Fault[] {
  const server = SERVER[cable];
  return [
    troubled(`half open, nothing reaches the ${server}`, cable, (draw) => ({
      make: (wire) => wire.mute('to-server'),
      ...beyondHeartbeat(cable, draw),
    })),
    troubled(`half open, nothing comes from the ${server}`, cable, (draw) => ({
      make: (wire) => wire.mute('to-client'),
      ...beyondHeartbeat(cable, draw),
    })),
    troubled('everything late', cable, () => ({ make: (wire) => wire.hold(), what: 'held back' })),
    troubled('connections refused', cable, () => ({ make: (wire) => wire.refuse() })),
    troubled('slow reader', cable, (draw) => {
      const direction = draw.pick(['to-server', 'to-client'] as const);
      const kilobytes = draw.between(4, 64);
      const reader = direction === 'to-server' ? `the ${server}` : 'it';
      return {
        make: (wire) => wire.throttle(direction, kilobytes * 1_024),
        what: `${reader} reads ${kilobytes} KiB a second`,
      };
    }),
  ];
}

const slowBroker = troubled('slow', 'amqp', (draw) => {
  const delayMs = draw.between(50, 400);
  return { make: (wire) => wire.delay(delayMs), what: `${delayMs} ms later each way` };
});

function commitsLost(name: string, method: 'loseCommitAnswers' | 'loseCommits'): Fault {
  return {
    name,
    lane: 'surroundings',
    weight: 3,
    async strike(stage, draw, signal) {
      const { replicas } = stage;
      const rounds = draw.between(1, 4);
      const count = draw.between(1, 6);
      const ms = drawMs(stage, draw, 4_000, 8_000);
      let hits = 0;
      const mend = (): void => {
        for (const { postgres } of replicas) postgres.mend();
      };
      signal.addEventListener('abort', mend);
      try {
        for (let round = 1; round <= rounds && !signal.aborted; round++) {
          const lost = await Promise.all(replicas.map(({ postgres }) => postgres[method](count, ms)));
          for (const hit of lost) hits += hit;
          await stage.pause(drawMs(stage, draw, 200, 2_500), signal);
        }
      } finally {
        signal.removeEventListener('abort', mend);
      }
      return `all replicas, ${timesOf(rounds)} up to ${count} on each: ${hits} COMMITs`;
    },
  };
}

const confirmsSwallowed: Fault = {
  name: 'amqp: confirms swallowed',
  lane: 'surroundings',
  weight: 2,
  async strike(stage, draw, signal) {
    const replicas = drawReplicas(stage, draw);
    const ms = drawUsualMs(stage, draw);
    await withTrouble(
      replicas,
      ({ amqp }) => amqp.swallowConfirms(),
      () => stage.pause(ms, signal),
    );
    return `${namesOf(replicas, stage)} for ${seconds(ms)}`;
  },
};

export const wireFaults: readonly Fault[] = [
  connectionsCut('amqp: connections cut', ['amqp']),
  connectionsCut('postgres: connections cut', ['postgres']),
  connectionsCut('amqp and postgres: connections cut', CABLES),
  ...CABLES.flatMap(troublesOf),
  slowBroker,
  commitsLost('postgres: COMMIT answers lost', 'loseCommitAnswers'),
  commitsLost('postgres: COMMITs lost', 'loseCommits'),
  confirmsSwallowed,
];
