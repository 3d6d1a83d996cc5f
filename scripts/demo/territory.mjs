import { ensureDatabase } from '../setup/databases.mjs';
import { askManagement } from '../setup/management.mjs';
import { checkoutId } from '../setup/paths.mjs';
import { withPostgres } from '../setup/postgres-client.mjs';
import { signalAll, startOf } from '../setup/processes.mjs';
import { ensureVhost, removeVhost } from '../setup/vhosts.mjs';

/*
 * A vhost and a database of this demo alone: its counts are exact, and what `npm start` or anybody else keeps on the same
 * servers is not touched. They are named after this process, so that a later demo can remove what a killed one left.
 */
const PREFIX = `holdfast-demo-${checkoutId}-`;
const NAME = `${PREFIX}${process.pid}`;

/** In the command line of everything a demo runs; `npm run down` ends what carries the checkout's mark. */
export const processMarker = (pid = process.pid) => `holdfast-${checkoutId}.demo-${pid}.`;

/** `{ vhost, rabbitmqUrl, databaseUrl }` */
export async function claimTerritory(servers, goodbye) {
  await sweep(servers);
  goodbye.remember('vhost', () => removeVhost(servers, NAME));
  goodbye.remember('database', () => dropDatabase(servers, NAME));
  const [rabbitmqUrl, databaseUrl] = await Promise.all([
    ensureVhost({ url: servers.rabbitmqUrl, managementUrl: servers.managementUrl }, NAME),
    ensureDatabase(servers.databaseUrl, NAME),
  ]);
  return { vhost: NAME, rabbitmqUrl, databaseUrl };
}

/** Our own name too: this process may have got the number of a dead one. */
async function sweep(servers) {
  const isOver = (name) => {
    const pid = name.startsWith(PREFIX) ? Number(name.slice(PREFIX.length)) : undefined;
    return pid === process.pid || (pid !== undefined && startOf(pid) === undefined);
  };
  const vhosts = (await askManagement(servers.managementUrl, 'GET', '/vhosts?columns=name')).map(
    ({ name }) => name,
  );
  const databases = await withPostgres(servers.databaseUrl, async ({ query }) =>
    (await query('select datname from pg_database')).flat(),
  );
  for (const name of new Set([...vhosts, ...databases].filter(isOver))) {
    signalAll(processMarker(name.slice(PREFIX.length)), 'SIGKILL');
    if (vhosts.includes(name)) await removeVhost(servers, name);
    await dropDatabase(servers, name);
  }
}

const dropDatabase = ({ databaseUrl }, name) =>
  withPostgres(databaseUrl, ({ query }) => query(`drop database if exists "${name}" with (force)`));
