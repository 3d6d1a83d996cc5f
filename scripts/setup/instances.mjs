import { existsSync } from 'node:fs';
import { composeServer } from './compose-server.mjs';
import { containerServer } from './container-server.mjs';
import { SetupError } from './failure.mjs';
import { withLock } from './lock.mjs';
import { checkoutId } from './paths.mjs';
import { isFree } from './ports.mjs';
import { privatePostgres } from './private-postgres.mjs';
import { privateRabbitmq } from './private-rabbitmq.mjs';
import { isReady } from './private-server.mjs';
import { isAlive, pidsWith, signalAll, waitUntilGone } from './processes.mjs';
import { until } from './run.mjs';
import { readState, updateState } from './state.mjs';

/*
 * The servers this checkout started, by name: `rabbitmq` and `postgres` are the shared ones, all others are extras for
 * tests that stop, kill or fill their server.
 */

export const SHARED = ['rabbitmq', 'postgres'];

const BUSY_MS = 20_000;

const BACKENDS = {
  'private-rabbitmq': privateRabbitmq,
  'private-postgres': privatePostgres,
  compose: composeServer,
  container: containerServer,
};

export const backendOf = (record) => BACKENDS[record.backend];
export const privateBackend = (kind) => BACKENDS[`private-${kind}`];

const exclusively = (name, action, log) => withLock(`instance-${name}`, action, { log });
const save = (record) => updateState((state) => (state.instances[record.name] = record));

/** The named server, running and answering: as it is, started again, or made anew. */
export function ensureInstance(name, backend, { kind, bin, owner, log }) {
  return exclusively(
    name,
    async () => {
      const known = readState().instances[name];
      if (known && (await answersInTime(known))) return known;
      const kept = known && (await keepIfSound(known, backend, log));
      const record = kept ?? (await make(name, backend, { kind, bin, owner, log }));
      return save(await backend.start(await withFreePorts(record, backend, { kind, bin, owner, log })));
    },
    log,
  );
}

/** A server that lives but does not answer at once is busy more often than stuck, and others may be using it. */
async function answersInTime(record) {
  if (await isAnswering(record)) return true;
  const mayBeBusy = record.marker && isReady(record) && pidsWith(record.marker).length > 0;
  return Boolean(mayBeBusy && (await until(() => isAnswering(record), BUSY_MS, 500)));
}

/** Keeps a server that was ready once; what an interrupted set-up left behind, or another way made, is removed. */
async function keepIfSound(record, backend, log) {
  const isSound = !record.bin || (existsSync(record.bin) && isReady(record));
  if (isSound && backendOf(record) === backend) {
    await backend.kill(record); // It does not answer, so whatever still lives of it is stuck.
    return record;
  }
  log(`${record.name}: what an earlier set-up left cannot be used, starting over`);
  await backendOf(record).remove(record);
  return undefined;
}

async function make(name, backend, { kind, bin, owner, log }) {
  const prepare = async (takenPorts) => [await backend.prepare(name, { kind, bin, takenPorts, log })];
  const [record] = await makeInstances(name, { owner, prepare });
  return record;
}

/**
 * Makes one server, or all nodes of a cluster. Records are stored before anything starts, so that an interrupted run
 * leaves nothing that is not known.
 */
export async function makeInstances(name, { owner, prepare }) {
  await endUnknown(name); // Left by a set-up whose state is gone, for instance because .holdfast/ was deleted.
  return withLock('ports', async () => {
    const made = (await prepare(takenPorts())).map((record) => ({ ...record, owner }));
    await updateState((state) => made.forEach((record) => (state.instances[record.name] = record)));
    return made;
  });
}

/** Kills every process of this checkout's servers (of one, if named) that still lives, known or not. */
export async function endUnknown(name) {
  const marker = `holdfast-${checkoutId}.${name ? `${name}.` : ''}`;
  signalAll(marker, 'SIGKILL');
  await waitUntilGone(marker, 10_000);
}

async function withFreePorts(record, backend, options) {
  if (await portsAreFree(record)) return record;
  // Clients of an extra know its port by heart; the shared server's is read anew by each run.
  if (!SHARED.includes(record.name)) throw portTaken(record);
  options.log(`${record.name}: its port ${record.port} is taken by another program, starting over`);
  await backend.remove(record);
  return make(record.name, backend, options);
}

async function portsAreFree(record) {
  const free = await Promise.all((backendOf(record).ports?.(record) ?? []).map(isFree));
  return free.every(Boolean);
}

const portTaken = ({ name, port }) =>
  new SetupError(
    `Another program has taken a port of ${name} (${port}) on 127.0.0.1.\n  mend: end that program.`,
  );

const takenPorts = () =>
  new Set(
    Object.values(readState().instances).flatMap((record) =>
      [record.port, record.managementPort, record.distPort, record.epmdPort].filter(Boolean),
    ),
  );

/** Starts a server that was stopped or killed, with its data and on its port. */
export function startInstance(name, log) {
  return exclusively(
    name,
    async () => {
      const record = own(name);
      if (await answersInTime(record)) return record;
      await backendOf(record).kill(record);
      if (!(await portsAreFree(record))) throw portTaken(record);
      return save(await backendOf(record).start(record));
    },
    log,
  );
}

export const stopInstance = (name, log) => exclusively(name, () => backendOf(own(name)).stop(own(name)), log);

/** kill -9 of all its processes at once. */
export const killInstance = (name, log) => exclusively(name, () => backendOf(own(name)).kill(own(name)), log);

/** SIGSTOP, or SIGCONT, to all its processes: its connections stay open and nothing answers on them. */
export const freezeInstance = (name, log) => exclusively(name, () => signal(own(name), 'SIGSTOP'), log);
export const thawInstance = (name, log) => exclusively(name, () => signal(own(name), 'SIGCONT'), log);

function signal({ name, marker }, what) {
  if (!marker) throw new SetupError(`${name} runs in a container.\n  mend: docker pause and docker unpause`);
  if (signalAll(marker, what) === 0) {
    throw new SetupError(`No process of ${name} lives.\n  mend: node scripts/servers.mjs start ${name}`);
  }
}

/** Ends the server and removes its data; nothing happens if there is none of this name. */
export function removeInstance(name, log) {
  return exclusively(
    name,
    async () => {
      const record = readState().instances[name];
      if (!record) return;
      await backendOf(record).remove(record);
      await updateState((state) => {
        delete state.instances[name];
        if (state[name]?.instance === name) delete state[name];
      });
    },
    log,
  );
}

/** Removes the extras whose owner (a test process) has ended without doing so. */
export async function removeOrphans(log) {
  const orphans = Object.values(readState().instances).filter(({ owner }) => owner && !isAlive(owner));
  await Promise.all(orphans.map(({ name }) => removeInstance(name, log)));
  return orphans.map(({ name }) => name);
}

/** Asks the server itself; what the state remembers proves nothing. */
export const isAnswering = (record) =>
  backendOf(record)
    .answers(record)
    .then(
      () => true,
      () => false,
    );

/** The record of a server that we may stop, because we started it. */
function own(name) {
  const state = readState();
  const record = state.instances[name];
  if (record) return record;
  const found = state[name];
  const names = Object.keys(state.instances).join(', ') || 'none';
  throw new SetupError(
    found
      ? `${name} at ${hidePassword(found.url)} was not started by Holdfast, so it is not Holdfast's to control.\n` +
          '  mend: use an extra instead: node scripts/servers.mjs extra ' +
          `${name} <name>`
      : `Holdfast has started no server named ${name} (started: ${names}).\n  mend: node scripts/servers.mjs start`,
  );
}

export const hidePassword = (url) => url.replace(/(:\/\/[^:/@]*):[^@,]*@/g, '$1:***@');
