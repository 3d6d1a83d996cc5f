import { existsSync } from 'node:fs';
import { SetupError } from './failure.mjs';
import { makeInstances, removeInstance, startInstance, stopInstance } from './instances.mjs';
import { withLock } from './lock.mjs';
import { prepareCluster } from './private-cluster.mjs';
import { readState, updateState } from './state.mjs';
import { awaitWhole } from './whole-cluster.mjs';

/* A cluster is three instances that share a name: `<cluster>:1` to `<cluster>:3`. */

/** The records of its nodes; none if there is no cluster of this name. */
export const nodesOf = (cluster) =>
  Object.values(readState().instances).filter((record) => record.cluster === cluster);

/** The names of the instances meant by the name of a cluster, of one of its nodes, or of any other server. */
export function instancesNamed(name) {
  const nodes = nodesOf(name);
  return nodes.length > 0 ? nodes.map((node) => node.name) : [name];
}

/** The cluster, whole: as it is, with the missing nodes started again, or made anew. Resolves to its description. */
export function ensureCluster(name, { bin, owner, log }) {
  return withLock(
    `cluster-${name}`,
    async () => {
      const known = nodesOf(name);
      if (!known.every(isSound) || known.length === 0) {
        if (known.length > 0) log(`${name}: what an earlier set-up left cannot be used, starting over`);
        await Promise.all(known.map((node) => removeInstance(node.name, log)));
        const prepare = (takenPorts) => prepareCluster(name, { bin, takenPorts, log });
        await makeInstances(name, { owner, prepare });
      }
      await startCluster(name, log);
      await rememberThatItFormed(name);
      return describeCluster(name);
    },
    { log },
  );
}

/** Nodes that an interrupted set-up started one after another may each have become a cluster of one. */
const isSound = ({ formed, bin }) => formed && existsSync(bin);

const rememberThatItFormed = (name) =>
  updateState((state) => {
    for (const record of Object.values(state.instances)) if (record.cluster === name) record.formed = true;
  });

/** Starts the nodes that do not answer, all at once: alone, a node waits for the majority. */
export async function startCluster(name, log) {
  await Promise.all(nodesOf(name).map((node) => startInstance(node.name, log)));
  await awaitCluster(name);
}

/** Resolves when all nodes run as one cluster and all quorum queues have all their members. */
export const awaitCluster = (name) => awaitWhole(clusterNamed(name));

/** As for an upgrade: one node after the other leaves in order and comes back, and the cluster is whole in between. */
export async function restartInTurn(name, log) {
  for (const node of clusterNamed(name).nodes) {
    log(`restarting ${node.name}`);
    await stopInstance(node.name, log);
    await startInstance(node.name, log);
    await awaitCluster(name);
  }
}

/** `{ name, kind, url, nodes }`: `url` lists the addresses of all nodes, separated by commas. */
export function describeCluster(name) {
  const { nodes } = clusterNamed(name);
  return { name, kind: 'rabbitmq-cluster', url: nodes.map(({ url }) => url).join(','), nodes };
}

function clusterNamed(name) {
  const nodes = nodesOf(name);
  if (nodes.length > 0) return { name, nodes };
  throw new SetupError(
    `Holdfast has started no cluster named ${name}.\n  mend: node scripts/servers.mjs extra-cluster ${name}`,
  );
}
