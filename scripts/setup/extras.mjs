import { ensureCluster, nodesOf } from './clusters.mjs';
import { containerServer } from './container-server.mjs';
import { whyNoDocker } from './docker.mjs';
import { SetupError } from './failure.mjs';
import { ensureInstance, privateBackend, SHARED } from './instances.mjs';
import { readState } from './state.mjs';

/** A disposable server beside the shared one, for tests that stop it, kill it or fill it. */
export async function ensureExtra(kind, name, { owner, log }) {
  if (!SHARED.includes(kind))
    throw new SetupError(`There is no kind of server named ${kind}; there are ${SHARED.join(' and ')}.`);
  checkName(name);
  if (nodesOf(name).length > 0) throw nameTaken(name, 'a cluster');
  const bin = privateBackend(kind).findBinaries();
  if (bin) return ensureInstance(name, privateBackend(kind), { kind, bin, owner, log });
  const why = await whyNoDocker();
  if (!why) return ensureInstance(name, containerServer, { kind, owner, log });
  throw new SetupError(
    `An extra ${kind} needs its server binaries or a Docker engine: there are none on this machine, and ${why}.\n` +
      `  mend: install the package ${kind === 'rabbitmq' ? 'rabbitmq-server' : 'postgresql'}`,
  );
}

/** Three disposable RabbitMQ nodes in one cluster, for tests that take some of them away. */
export function ensureExtraCluster(name, { owner, log }) {
  checkName(name);
  if (readState().instances[name]) throw nameTaken(name, 'a single server');
  const bin = privateBackend('rabbitmq').findBinaries();
  if (bin) return ensureCluster(name, { bin, owner, log });
  throw new SetupError(
    'A cluster of RabbitMQ nodes needs the server binaries, with or without a Docker engine: its nodes are frozen,\n' +
      'killed and cut off as processes of this machine, and there are no binaries on it.\n' +
      '  mend: install the package rabbitmq-server',
  );
}

function checkName(name) {
  if (/^[a-z0-9][a-z0-9-]{0,39}$/.test(name) && !SHARED.includes(name)) return;
  throw new SetupError(`${name} cannot name an extra server: use lower-case letters, digits and hyphens.`);
}

const nameTaken = (name, what) =>
  new SetupError(
    `${name} is the name of ${what} already.\n` +
      `  mend: take another name, or: node scripts/servers.mjs extra-stop ${name}`,
  );
