import { queueOf } from '../load/kinds';
import type { RabbitmqCluster } from '../stage/rabbitmq-cluster';
import type { Stage } from '../stage/stage';
import type { Draw } from '../draw';
import type { Fault } from './fault';

/* Faults of a cluster of three nodes. Each ends when the cluster is whole again: every node up, every queue with all its members. */

/** How long a leader leads until the next one is killed. */
const LEADER_REIGN_MS = 20_000;
const QUEUES = ['transactional', 'twins', 'flaky', 'chain'];

const holdMs = (stage: Stage, draw: Draw): number => Math.round(draw.between(3_000, 12_000) * stage.pace);

export function clusterFaults(broker: RabbitmqCluster): readonly Fault[] {
  const { cluster } = broker;

  const whole = async (): Promise<void> => {
    await cluster.start();
    await cluster.whole();
  };

  const killed: Fault = {
    name: 'cluster: node killed',
    lane: 'surroundings',
    weight: 2,
    async strike(stage, draw, signal) {
      const node = draw.pick(cluster.nodes);
      const ms = holdMs(stage, draw);
      try {
        await node.kill();
        await stage.pause(ms, signal);
      } finally {
        await whole();
      }
      return `${node.name} for ${ms} ms`;
    },
  };

  const leaderKilled: Fault = {
    name: 'cluster: queue leader killed every 20 s',
    lane: 'surroundings',
    async strike(stage, draw, signal) {
      const queue = queueOf(draw.pick(QUEUES));
      const times = stage.pace < 1 ? 2 : 3;
      const fallen: string[] = [];
      for (let time = 0; time < times && !signal.aborted; time++) {
        const startedAt = performance.now();
        try {
          const leader = await cluster.leaderOf(queue);
          await leader.kill();
          fallen.push(leader.name);
        } finally {
          await whole();
        }
        const left = LEADER_REIGN_MS * stage.pace - (performance.now() - startedAt);
        if (time < times - 1) await stage.pause(left, signal);
      }
      return `${queue}: ${fallen.join(', then ')}`;
    },
  };

  const minority: Fault = {
    name: 'cluster: minority stopped',
    lane: 'surroundings',
    async strike(stage, draw, signal) {
      const node = draw.pick(cluster.nodes);
      const ms = holdMs(stage, draw);
      try {
        await node.stop();
        await stage.pause(ms, signal);
      } finally {
        await whole();
      }
      return `${node.name} for ${ms} ms`;
    },
  };

  const partition: Fault = {
    name: 'cluster: partition of the distribution',
    lane: 'surroundings',
    weight: 2,
    async strike(stage, draw, signal) {
      const node = draw.pick(cluster.nodes);
      const ms = holdMs(stage, draw);
      try {
        await node.partition();
        await stage.pause(ms, signal);
      } finally {
        await node.heal();
        await cluster.whole();
      }
      return `${node.name} beside the others for ${ms} ms`;
    },
  };

  /** Shorter than the others take to count it as gone: thawed later it would stay beside the cluster until it is restarted. */
  const frozen: Fault = {
    name: 'cluster: node frozen',
    lane: 'surroundings',
    async strike(stage, draw, signal) {
      const node = draw.pick(cluster.nodes);
      const ms = draw.between(2_000, 8_000);
      await node.freeze();
      try {
        await stage.pause(ms, signal);
      } finally {
        await node.thaw();
        await cluster.whole();
      }
      return `${node.name} for ${ms} ms`;
    },
  };

  const rolling: Fault = {
    name: 'cluster: rolling restart',
    lane: 'surroundings',
    async strike() {
      await cluster.rollingRestart();
      return 'one node after the other';
    },
  };

  const dark: Fault = {
    name: 'cluster: all nodes killed',
    lane: 'surroundings',
    async strike() {
      try {
        await cluster.kill();
      } finally {
        await whole();
      }
      return 'the machine room without power';
    },
  };

  return [killed, leaderKilled, minority, partition, frozen, rolling, dark];
}
