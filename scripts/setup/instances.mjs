import { existsSync } from 'node:fs';
import * as dockerServer from './docker-server.mjs';
import { SetupError } from './failure.mjs';
import { withLock } from './lock.mjs';
import { isFree } from './ports.mjs';
import * as privatePostgres from './private-postgres.mjs';
import * as privateRabbitmq from './private-rabbitmq.mjs';
import { isReady } from './private-server.mjs';
import { isAlive, pidsWith } from './processes.mjs';
import { readState, updateState } from './state.mjs';

/*
 * The servers this checkout started, by name: `rabbitmq` and `postgres` are the shared ones, all others are extras for
 * tests that stop, kill or fill their server.
 */

export const SHARED = ['rabbitmq', 'postgres'];

const BACKENDS = {
  'private-rabbitmq': privateRabbitmq,
  'private-postgres': privatePostgres,
  docker: dockerServer,
};

export const backendOf = (record) => BACKENDS[record.backend];
export const privateBackend = (kind) => BACKENDS[`private-${kind}`];

const exclusively = (name, action, log) => withLock(`instance-${name}`, action, { log });
const save = (record) => updateState((state) => (state.instances[record.name] = record));

/** The named server, running and answering: as it is, started again, or made anew. */
export function ensureInstance(name, backend, { bin, owner, log }) {
  return exclusively(
    name,
    async () => {
      const known = readState().instances[name];
      if (known && (await isAnswering(known))) return known;
      const kept = known && (await keepIfSound(known, log));
      const record = kept ?? (await make(name, backend, { bin, owner, log }));
      return save(await backend.start(await withFreePorts(record, backend, { bin, owner, log })));
    },
    log,
  );
}

/** Keeps a server that was ready once; what an interrupted set-up left behind is removed. */
async function keepIfSound(record, log) {
  const sound = record.backend === 'docker' || (existsSync(record.bin) && isReady(record));
  if (sound) {
    await backendOf(record).kill(record); // It does not answer, so whatever still lives of it is stuck.
    return record;
  }
  log(`${record.name}: an earlier set-up was interrupted, starting over`);
  await backendOf(record).remove(record);
  return undefined;
}

/** The record is stored before the server starts, so that an interrupted run leaves nothing that is not known. */
async function make(name, backend, { bin, owner, log }) {
  const record = await withLock('ports', async () => {
    const made = await backend.prepare(name, { bin, takenPorts: takenPorts(), log });
    return save({ ...made, owner });
  });
  return record;
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
      if (await isAnswering(record)) return record;
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

export const countProcesses = (record) => (record.marker ? pidsWith(record.marker).length : 0);

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
