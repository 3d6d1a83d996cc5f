import { endUnknown, isAnswering, killInstance, SHARED, stopInstance } from '../setup/instances.mjs';
import { checkoutId } from '../setup/paths.mjs';
import { withPostgres } from '../setup/postgres-client.mjs';
import { pidsWith, signalAll } from '../setup/processes.mjs';
import { readState } from '../setup/state.mjs';

/* The demo stops the servers that its own set-up started, and leaves those that ran before. */

const log = (line) => console.log(line);

/** Names of this checkout's servers that answer now. */
export async function runningServers() {
  const records = Object.values(readState().instances);
  const answers = await Promise.all(records.map(isAnswering));
  return new Set(records.filter((_, index) => answers[index]).map(({ name }) => name));
}

export async function stopServersBeyond(before) {
  const started = startedBeyond(before).filter(mayRun);
  if (started.length === 0) return;
  if (await isUsedByOthers()) {
    log('the servers run on, because somebody else has begun to use them; npm run down stops them');
    return;
  }
  log(`stopping ${started.map(({ name }) => name).join(' and ')}, which this demo had started`);
  await Promise.all(started.map(stop));
}

/** Whether anything of it lives; a container's processes are not ours to see. */
const mayRun = ({ name, marker }) => !marker || pidsWith(`holdfast-${checkoutId}.${name}.`).length > 0;

/** Those that were still starting have nothing to finish. */
async function stop(record) {
  if (!(await isAnswering(record))) await killInstance(record.name, log);
  await stopInstance(record.name, log);
  // An interrupted set-up may have started a part of it that its record does not know yet.
  if (record.marker) await endUnknown(record.name);
}

/** For somebody who does not want to wait. Containers are Docker's to end, and cannot be ended from here at once. */
export function killServersBeyond(before) {
  for (const { name } of startedBeyond(before)) signalAll(`holdfast-${checkoutId}.${name}.`, 'SIGKILL');
}

const startedBeyond = (before) =>
  SHARED.map((name) => readState().instances[name]).filter((record) => record && !before.has(record.name));

/** Our own sessions have ended by now. A server that cannot be asked is used by nobody. */
async function isUsedByOthers() {
  const url = readState().instances.postgres?.url;
  if (!url) return false;
  const sessions = `select count(*) from pg_stat_activity where backend_type = 'client backend' and pid <> pg_backend_pid()`;
  const [[count]] = await withPostgres(url, ({ query }) => query(sessions)).catch(() => [['0']]);
  return count !== '0';
}
