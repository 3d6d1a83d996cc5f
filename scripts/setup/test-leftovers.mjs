import { askManagement } from './management.mjs';
import { removeOrphans } from './instances.mjs';
import { checkoutId } from './paths.mjs';
import { withPostgres } from './postgres-client.mjs';
import { startOf } from './processes.mjs';
import { removeVhost } from './vhosts.mjs';

/*
 * Vhosts and databases of tests are named after this checkout and the process that made them (test/support/servers.ts),
 * so that those of runs that are over, however they ended, can be swept away, and those of others cannot.
 */
const OWN_NAME = new RegExp(`^holdfast[-_]test[-_]${checkoutId}[-_](\\d+)[-_]`);

const isOver = (name) => {
  const pid = OWN_NAME.exec(name)?.[1];
  return pid !== undefined && startOf(Number(pid)) === undefined;
};

/** Removes what test runs that have ended left on the servers. Nothing here may fail a run: it returns complaints. */
export async function sweepTestLeftovers({ rabbitmqUrl, managementUrl, databaseUrl }) {
  const results = await Promise.allSettled([
    removeOrphans(() => {}),
    sweepVhosts({ url: rabbitmqUrl, managementUrl }),
    sweepDatabases(databaseUrl),
  ]);
  return results.filter(({ status }) => status === 'rejected').map(({ reason }) => reason.message);
}

async function sweepVhosts(server) {
  const vhosts = await askManagement(server.managementUrl, 'GET', '/vhosts?columns=name');
  for (const { name } of vhosts.filter((vhost) => isOver(vhost.name))) await removeVhost(server, name);
}

const sweepDatabases = (url) =>
  withPostgres(url, async ({ query }) => {
    const names = (await query('select datname from pg_database')).flat().filter(isOver);
    for (const name of names) {
      await query(`alter database "${name}" with is_template false`); // Templates cannot be dropped.
      await query(`drop database if exists "${name}" with (force)`);
    }
  });
