import { randomBytes } from 'node:crypto';
import { createInstanceHome } from './instance-home.mjs';
import { checkoutId } from './paths.mjs';
import { findFreePorts } from './ports.mjs';
import { describeNode, writeNodeFiles } from './rabbitmq-node.mjs';

/*
 * Three RabbitMQ nodes that form one cluster on this machine. Each is an instance of its own, `<cluster>:<1..3>`, with
 * its own folder and ports; cookie and epmd are the cluster's.
 */

const NUMBERS = [1, 2, 3];
const PORTS_OF_A_NODE = 3;

/**
 * A node that falls silent counts as gone after 15 s instead of a minute. A delay queue offers a message again after 5 s
 * instead of three minutes when its work queue did not take it, be it because a node has just died.
 */
const ADVANCED =
  '[{kernel, [{net_ticktime, 15}]}, {rabbit, [{dead_letter_worker_publisher_confirm_timeout, 5000}]}]';

/** The records of the three nodes, with their files written and nothing started. */
export async function prepareCluster(cluster, { bin, takenPorts, log }) {
  const [epmdPort, ...ports] = await findFreePorts(1 + NUMBERS.length * PORTS_OF_A_NODE, takenPorts);
  const nodes = NUMBERS.map((number, index) => {
    const [port, managementPort, distPort] = ports.slice(index * PORTS_OF_A_NODE);
    return describeNode({
      name: `${cluster}:${number}`,
      cluster,
      bin,
      dir: createInstanceHome(`${cluster}.${number}`, { log }),
      node: `holdfast-${checkoutId}-${cluster}-${number}@localhost`,
      port,
      managementPort,
      distPort,
      epmdPort,
      marker: `holdfast-${checkoutId}.${cluster}.rabbitmq-${number}`,
      schedulers: 1, // Three nodes on the cores of one laptop.
    });
  });
  const files = {
    cookie: randomBytes(20).toString('hex'),
    settings: settingsOf(nodes),
    advanced: ADVANCED,
  };
  for (const node of nodes) writeNodeFiles(node, files);
  return nodes;
}

const settingsOf = (nodes) => [
  'cluster_formation.peer_discovery_backend = classic_config',
  ...nodes.map(({ node }, index) => `cluster_formation.classic_config.nodes.${index + 1} = ${node}`),
  // The side without a majority stops serving; the default goes on on both sides.
  'cluster_partition_handling = pause_minority',
];
