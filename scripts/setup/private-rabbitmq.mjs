import { randomBytes } from 'node:crypto';
import { dirname, join } from 'node:path';
import { shakeHandsWithRabbitmq } from './amqp-handshake.mjs';
import { startEpmd, stopEpmd } from './epmd.mjs';
import { SetupError } from './failure.mjs';
import { createInstanceHome } from './instance-home.mjs';
import { checkoutId } from './paths.mjs';
import { findFreePorts } from './ports.mjs';
import { endProcesses, killProcesses, launch, markReady, removeData } from './private-server.mjs';
import { pidsWith } from './processes.mjs';
import { describeNode, environmentOf, writeNodeFiles } from './rabbitmq-node.mjs';
import { findExecutable } from './run.mjs';

/*
 * A RabbitMQ of this checkout alone: own node name, own epmd, own data, on loopback. The nodes of a cluster
 * (private-cluster.mjs) are prepared otherwise, and started and ended as any other; they share an epmd.
 */

const FOLDERS = [
  '/usr/lib/rabbitmq/bin', // Debian: the scripts in /usr/sbin insist on being root or rabbitmq.
  '/opt/homebrew/opt/rabbitmq/sbin',
  '/usr/local/opt/rabbitmq/sbin',
  '/home/linuxbrew/.linuxbrew/opt/rabbitmq/sbin',
  '/opt/rabbitmq/sbin',
];

const findBinaries = () => {
  const server = findExecutable('rabbitmq-server', FOLDERS);
  return server && dirname(server);
};

async function prepare(name, { bin, takenPorts, log }) {
  const [port, managementPort, distPort, epmdPort] = await findFreePorts(4, takenPorts);
  const record = describeNode({
    name,
    bin,
    dir: createInstanceHome(name, { log }),
    node: `holdfast-${checkoutId}-${name}@localhost`,
    port,
    managementPort,
    distPort,
    epmdPort,
    marker: `holdfast-${checkoutId}.${name}.rabbitmq`,
  });
  writeNodeFiles(record, { cookie: randomBytes(20).toString('hex') });
  return record;
}

async function start(record, { timeoutMs = record.cluster ? 180_000 : 90_000 } = {}) {
  await startEpmd(epmdOwner(record), record.epmdPort);
  const pid = await launchServer(record, timeoutMs).catch((error) => {
    throw record.cluster ? hintAtMajority(record, error) : error;
  });
  markReady(record);
  return { ...record, pid };
}

/** Erlang makes nothing of the flag: it is the marker by which the processes are found again. */
const launchServer = (record, timeoutMs) =>
  launch(record, join(record.bin, 'rabbitmq-server'), ['-holdfast_instance', record.marker], {
    env: environmentOf(record),
    answers: () => answers(record),
    timeoutMs,
  });

const hintAtMajority = ({ name, cluster }, error) =>
  new SetupError(
    `${error.message}\n  mend: node scripts/servers.mjs start ${cluster}, if the others are away: ${name} waits for a majority.`,
    { cause: error },
  );

const answers = (record) => shakeHandsWithRabbitmq(record.url, 10_000);
const ports = ({ port, managementPort, distPort }) => [port, managementPort, distPort];

/** The server's shell script hands SIGTERM on to the Erlang machine, which then stops in order. */
async function stop(record) {
  await endProcesses(record, 'SIGTERM', 30_000);
  // That of a cluster runs on until the cluster is removed: another node may be starting at this very moment.
  if (!record.cluster) await stopEpmd(epmdOwner(record));
}

const kill = (record) => killProcesses(record);

async function remove(record) {
  await killProcesses(record);
  const owner = epmdOwner(record);
  const othersLive = pidsWith(`holdfast-${checkoutId}.${owner}.rabbitmq`).length > 0;
  if (!othersLive) await stopEpmd(owner);
  removeData(record);
}

const epmdOwner = ({ name, cluster }) => cluster ?? name;

export const privateRabbitmq = { findBinaries, prepare, start, answers, ports, stop, kill, remove };
