import { installPackages, removeAbandonedPolicy, whyNoApt } from './apt.mjs';
import { composeServer } from './compose-server.mjs';
import { whyNoDocker } from './docker.mjs';
import { SetupError } from './failure.mjs';
import { findRunningServer, whyUnfitForTests } from './found-server.mjs';
import { ensureInstance, hidePassword, isAnswering, privateBackend, SHARED } from './instances.mjs';
import { exitOnInterrupt } from './interrupts.mjs';
import { withLock } from './lock.mjs';
import { readState, updateState } from './state.mjs';
import { describeFailure } from './ways-tried.mjs';

const PACKAGES = { rabbitmq: 'rabbitmq-server', postgres: 'postgresql' };
export const NAMES = { rabbitmq: 'RabbitMQ', postgres: 'Postgres' };

/**
 * Finds or starts RabbitMQ and Postgres, each for itself, in the first of four ways that works, and says which.
 * `forTests` asks for servers on which vhosts and databases can be created.
 */
export async function ensureServers({ log = console.log, forTests = false } = {}) {
  const stopListening = exitOnInterrupt();
  try {
    const running = await findBoth({ forTests });
    const servers = running.missing.length === 0 ? running : await startMissing({ log, forTests });
    await remember(servers.found);
    for (const kind of SHARED) log(`${NAMES[kind]}: ${servers.found[kind].how}`);
    return summary(servers.found);
  } finally {
    stopListening();
  }
}

/** Two set-ups at once: the second waits here, and then finds everything running. */
function startMissing({ log, forTests }) {
  return withLock(
    'set-up',
    async () => {
      removeAbandonedPolicy();
      const servers = await findBoth({ forTests });
      for (const way of [tryDocker, tryBinaries, tryApt]) {
        if (servers.missing.length > 0) await way(servers, log);
      }
      if (servers.missing.length > 0) throw new SetupError(describeFailure(servers));
      return servers;
    },
    { log },
  );
}

/** `{ found: { kind: server }, missing: [kind], tried: { kind: [{ way, why }] } }`: passed on from way to way. */
async function findBoth({ forTests }) {
  const servers = { found: {}, missing: [], tried: { rabbitmq: [], postgres: [] } };
  await Promise.all(
    SHARED.map(async (kind) => {
      const { server, why } = await find(kind, forTests);
      if (server) servers.found[kind] = server;
      else {
        servers.missing.push(kind);
        servers.tried[kind].push({ way: 1, why });
      }
    }),
  );
  return servers;
}

async function find(kind, forTests) {
  const own = readState().instances[kind];
  const isExplicit = Boolean(process.env[kind === 'rabbitmq' ? 'RABBITMQ_URL' : 'DATABASE_URL']);
  if (!isExplicit && own && (await isAnswering(own))) return { server: fromInstance(own, 'still running') };
  const { server, why } = await findRunningServer(kind);
  if (!server) return { why };
  const unfit = forTests ? await whyUnfitForTests(server) : undefined;
  if (unfit && isExplicit) throw new SetupError(unfit);
  return unfit ? { why: unfit.split('\n')[0] } : { server };
}

async function tryDocker(servers, log) {
  const why = await whyNoDocker();
  await forEachMissing(servers, 2, async (kind) => {
    if (why) throw new Error(why);
    log(`starting ${NAMES[kind]} with docker compose`);
    return fromInstance(await ensureInstance(kind, composeServer, { log }), 'started');
  });
}

async function tryBinaries(servers, log) {
  await forEachMissing(servers, 3, async (kind) => {
    const backend = privateBackend(kind);
    const bin = backend.findBinaries();
    if (!bin) throw new Error(`no ${PACKAGES[kind]} is installed on this machine`);
    log(`starting a private ${NAMES[kind]} from ${bin}`);
    return fromInstance(await ensureInstance(kind, backend, { bin, log }), 'started');
  });
}

async function tryApt(servers, log) {
  const wanted = servers.missing.filter((kind) => !privateBackend(kind).findBinaries());
  const why = whyNoApt() ?? (await install(wanted, log));
  await forEachMissing(servers, 4, async (kind) => {
    if (!wanted.includes(kind)) throw new Error('its package is installed already');
    if (why) throw new Error(why);
    const backend = privateBackend(kind);
    const bin = backend.findBinaries();
    log(`starting a private ${NAMES[kind]} from ${bin}`);
    return fromInstance(await ensureInstance(kind, backend, { bin, log }), 'installed and started');
  });
}

/** Undefined if it worked, else why not. */
async function install(kinds, log) {
  if (kinds.length === 0) return undefined;
  try {
    await installPackages(
      kinds.map((kind) => PACKAGES[kind]),
      log,
    );
    return undefined;
  } catch (error) {
    return error.message;
  }
}

async function forEachMissing(servers, way, start) {
  await Promise.all(
    [...servers.missing].map(async (kind) => {
      try {
        servers.found[kind] = await start(kind);
        servers.missing.splice(servers.missing.indexOf(kind), 1);
      } catch (error) {
        servers.tried[kind].push({ way, why: error.message });
      }
    }),
  );
}

function fromInstance(record, verb) {
  const origin =
    record.backend === 'compose' ? 'by docker compose' : `private instance of this checkout (${record.bin})`;
  const { url, managementUrl, name } = record;
  return { url, managementUrl, instance: name, how: `${verb}, ${origin}, at ${hidePassword(url)}` };
}

const remember = (found) =>
  updateState((state) => {
    for (const kind of SHARED) state[kind] = found[kind];
  });

/** `isOurs`: the server was started by this checkout, so databases on it are ours to create. */
function summary({ rabbitmq, postgres }) {
  return {
    rabbitmqUrl: rabbitmq.url,
    managementUrl: rabbitmq.managementUrl,
    databaseUrl: postgres.url,
    how: { rabbitmq: rabbitmq.how, postgres: postgres.how },
    isOurs: { rabbitmq: Boolean(rabbitmq.instance), postgres: Boolean(postgres.instance) },
  };
}
