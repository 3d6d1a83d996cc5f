import { controlServers } from './servers';
import type { ServerRecord } from './servers';
import { management } from './vhosts';

/** One of three RabbitMQ nodes that form a cluster on this machine. */
export interface ClusterNode extends Omit<ServerRecord, 'ctl'> {
  /** `<cluster>:<1..3>`. */
  readonly name: string;
  /** What Erlang, rabbitmqctl and the management API call it. */
  readonly node: string;
  readonly managementUrl: string;
  /** In the command line of its processes and of nobody else's. */
  readonly marker: string;
  /** Starts it with its data; returns when it answers. Alone it waits for another: for that, `Cluster.start`. */
  start(): Promise<void>;
  /** An orderly shutdown; returns when it has ended. */
  stop(): Promise<void>;
  /** kill -9 of all its processes at once. Await `Cluster.whole` between declaring a queue and this. */
  kill(): Promise<void>;
  /**
   * SIGSTOP to all its processes: connections to it stay open and silent. After some 15 s the others count it as gone.
   * Thawed later than that, RabbitMQ 3.10 knows of a partition and stays beside the cluster until it is restarted.
   */
  freeze(): Promise<void>;
  thaw(): Promise<void>;
  /** Cuts it off from the other nodes, not from its clients; it sees so at once and pauses: its listeners close. */
  partition(): Promise<void>;
  /** Ends the partition. The node returns by itself: await `Cluster.whole`. */
  heal(): Promise<void>;
  /** Runs rabbitmqctl on it (about a second a call): its output. */
  ctl(...args: string[]): Promise<string>;
}

export interface QueueMembers {
  /** Undefined while there is an election. */
  readonly leader: ClusterNode | undefined;
  readonly members: readonly ClusterNode[];
}

/** Three nodes of one test alone. */
export interface Cluster {
  readonly name: string;
  /** The addresses of all nodes, separated by commas, as RABBITMQ_URL takes them. */
  readonly url: string;
  readonly nodes: readonly [ClusterNode, ClusterNode, ClusterNode];
  /** Starts the nodes that do not answer, all at once, and waits for the whole. */
  start(): Promise<void>;
  /** Ends all nodes at once: the machine room without power. */
  kill(): Promise<void>;
  /** Waits until each node sees all of them, and each quorum queue has all its members, written down on their disks. */
  whole(): Promise<void>;
  /** Stops and starts one node after the other, and waits for the whole after each. */
  rollingRestart(): Promise<void>;
  /** Of a quorum queue, as the first node to answer knows them: who leads is current, also right after an election. */
  membersOf(queue: string, vhost?: string): Promise<QueueMembers>;
  /** Rejects while nobody leads. */
  leaderOf(queue: string, vhost?: string): Promise<ClusterNode>;
  /** Ends all nodes and removes their data; what forgets to call it is swept up after the run. */
  remove(): Promise<void>;
}

interface ClusterRecord {
  url: string;
  nodes: (ServerRecord & { node: string; managementUrl: string; marker: string })[];
}

let made = 0;

/** Starts three nodes beside the shared servers, in about 20 seconds. Needs the server binaries, not only Docker. */
export async function extraCluster(): Promise<Cluster> {
  made += 1;
  const name = `cluster-${process.pid}-${made}`;
  const output = await controlServers('extra-cluster', name, '--owner', String(process.pid));
  const record = JSON.parse(output) as ClusterRecord;
  const nodes = record.nodes.map(controlled) as [ClusterNode, ClusterNode, ClusterNode];
  const membersOf = (queue: string, vhost = '/'): Promise<QueueMembers> => askMembers(nodes, queue, vhost);
  return {
    name,
    url: record.url,
    nodes,
    start: () => control('start', name),
    kill: () => control('kill', name),
    whole: () => control('await', name),
    rollingRestart: () => control('rolling-restart', name),
    membersOf,
    leaderOf: async (queue, vhost) => {
      const { leader } = await membersOf(queue, vhost);
      if (!leader) throw new Error(`nobody leads ${queue}`);
      return leader;
    },
    remove: () => control('extra-stop', name),
  };
}

function controlled({ ctl: _ctl, ...record }: ClusterRecord['nodes'][number]): ClusterNode {
  const { name } = record;
  return {
    ...record,
    start: () => control('start', name),
    stop: () => control('stop', name),
    kill: () => control('kill', name),
    freeze: () => control('freeze', name),
    thaw: () => control('thaw', name),
    partition: () => control('partition', name),
    heal: () => control('heal', name),
    ctl: (...args) => controlServers('ctl', '--on', name, ...args),
  };
}

async function askMembers(
  nodes: readonly ClusterNode[],
  queue: string,
  vhost: string,
): Promise<QueueMembers> {
  const path = `/queues/${encodeURIComponent(vhost)}/${encodeURIComponent(queue)}`;
  const answers = nodes.map(({ managementUrl }) => management('GET', path, undefined, managementUrl));
  const { leader, members } = (await firstOf(answers)) as { leader?: string | null; members: string[] };
  return {
    leader: nodes.find(({ node }) => node === leader),
    members: nodes.filter(({ node }) => members.includes(node)),
  };
}

async function firstOf(answers: Promise<unknown>[]): Promise<unknown> {
  try {
    return await Promise.any(answers);
  } catch (error) {
    throw (error as AggregateError).errors[0] as Error; // Says more than that none of them answered.
  }
}

async function control(...args: string[]): Promise<void> {
  await controlServers(...args);
}
