import { SetupError } from './failure.mjs';
import { askManagement } from './management.mjs';
import { evaluateOn } from './rabbitmqctl.mjs';
import { until } from './run.mjs';

/*
 * A cluster is whole when each node sees all of them running, and each quorum queue has all its members at work and
 * written down. Only then may the next node be taken away, be it by kill -9, without taking a majority.
 */

/** Waits until the cluster `{ name, nodes }` is whole; rejects with what is still missing. */
export async function awaitWhole({ name, nodes }, timeoutMs = 120_000) {
  let missing;
  const look = () =>
    Promise.all(nodes.map((node) => checkViewOf(node, nodes))).then(
      () => true,
      (error) => void (missing = error.message),
    );
  if (!(await until(look, timeoutMs, 250))) throw notWhole(name, nodes, timeoutMs, missing);
  await Promise.all(nodes.map(writeDownQueues));
}

async function checkViewOf({ name, managementUrl }, nodes) {
  const views = await askManagement(managementUrl, 'GET', '/nodes?columns=name,running');
  const running = new Set(views.filter((view) => view.running).map((view) => view.name));
  const lost = nodes.filter(({ node }) => !running.has(node)).map((one) => one.name);
  if (lost.length > 0) throw new Error(`${name} does not see ${lost.join(', ')} running`);
  // Asks the members themselves; what /queues calls online may be ten seconds old.
  await askManagement(managementUrl, 'GET', '/health/checks/node-is-quorum-critical');
}

/**
 * A node writes the name of a new quorum queue down within a second of its declaration. Killed before, it comes back
 * without that member, for ever.
 */
const writeDownQueues = (node) => evaluateOn(node, '[ok = dets:sync(Table) || Table <- dets:all()].');

const notWhole = (name, nodes, timeoutMs, missing) =>
  new SetupError(
    `The cluster ${name} is not whole after ${timeoutMs / 1000} s: ${missing}\n` +
      `  mend: node scripts/servers.mjs start ${name}; stop a node first that answers and stays beside the others.\n` +
      `  logs: ${nodes.map(({ log }) => log).join(', ')}`,
  );
