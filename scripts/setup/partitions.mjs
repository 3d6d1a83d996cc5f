import { nodesOf } from './clusters.mjs';
import { SetupError } from './failure.mjs';
import { evaluateOn } from './rabbitmqctl.mjs';
import { readState } from './state.mjs';

/*
 * A partition of the Erlang distribution without touching the machine's network. A node that expects another cookie of
 * its peers takes no connection from them and gets none. On the cut-off side only: both sides with the same wrong
 * cookie would match again. A node that is restarted has its own cookie again, so a restart heals too.
 */

/** Cuts one node off from the others of its cluster. It sees that it is a minority, and pauses. */
export const partitionNode = (name) =>
  evaluateWithPeers(
    name,
    (peers) =>
      `[begin erlang:set_cookie(N, 'cut-off-by-holdfast'), erlang:disconnect_node(N) end || N <- ${peers}].`,
  );

/** Lets it find the others again; then it comes back of itself, in some seconds. */
export const healNode = (name) =>
  evaluateWithPeers(name, (peers) => `[erlang:set_cookie(N, erlang:get_cookie()) || N <- ${peers}].`);

async function evaluateWithPeers(name, expression) {
  const record = readState().instances[name];
  if (!record?.cluster) {
    throw new SetupError(`${name} is no node of a cluster.\n  mend: name one as <cluster>:1, :2 or :3`);
  }
  const peers = nodesOf(record.cluster).filter((node) => node.name !== name);
  await evaluateOn(record, expression(`[${peers.map(({ node }) => `'${node}'`).join(',')}]`));
}
