import type { Finding } from '../message/message.module';
import type { InspectedQueue } from './inspected';
import type { QueueFacts } from './settings-in-force';

/** With fewer than this many members a queue does not outlive one of them. */
const ENOUGH = 3;

/** @param clusterSize how many nodes the cluster has; undefined when the broker does not tell this user. */
export function judgeReplicas(
  { name }: InspectedQueue,
  { type, members, online }: QueueFacts,
  clusterSize: number | undefined,
): Finding[] {
  if (type !== 'quorum' || !members || members.length === 0) return [];
  const up = online?.length ?? members.length;
  if (up * 2 <= members.length) {
    return [
      unreplicated(
        name,
        up,
        `only ${up} of its ${members.length} members are up: without a majority it takes and gives nothing`,
        'start the nodes that are down',
      ),
    ];
  }
  if (clusterSize === undefined || clusterSize < ENOUGH || members.length >= ENOUGH) return [];
  const effect =
    members.length === 1
      ? `it lives on one of ${clusterSize} nodes: with that node everything in it is lost`
      : `it lives on two of ${clusterSize} nodes: when one of them is down it takes and gives nothing`;
  return [unreplicated(name, members.length, effect, 'give it members: `rabbitmq-queues grow <node> all`')];
}

function unreplicated(object: string, value: number, effect: string, mend: string): Finding {
  return { object, kind: 'unreplicated', policy: null, key: 'members', value, effect, mend };
}
