import { containerServer } from './container-server.mjs';
import { whyNoDocker } from './docker.mjs';
import { SetupError } from './failure.mjs';
import { ensureInstance, privateBackend, SHARED } from './instances.mjs';

/** A disposable server beside the shared one, for tests that stop it, kill it or fill it. */
export async function ensureExtra(kind, name, { owner, log }) {
  if (!SHARED.includes(kind))
    throw new SetupError(`There is no kind of server named ${kind}; there are ${SHARED.join(' and ')}.`);
  if (!/^[a-z0-9][a-z0-9-]{0,39}$/.test(name) || SHARED.includes(name)) {
    throw new SetupError(`${name} cannot name an extra server: use lower-case letters, digits and hyphens.`);
  }
  const bin = privateBackend(kind).findBinaries();
  if (bin) return ensureInstance(name, privateBackend(kind), { kind, bin, owner, log });
  const why = await whyNoDocker();
  if (!why) return ensureInstance(name, containerServer, { kind, owner, log });
  throw new SetupError(
    `An extra ${kind} needs its server binaries or a Docker engine: there are none on this machine, and ${why}.\n` +
      `  mend: install the package ${kind === 'rabbitmq' ? 'rabbitmq-server' : 'postgresql'}`,
  );
}
