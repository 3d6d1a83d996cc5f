import { join } from 'node:path';
import { compileBench, ensurePeers } from './setup/bench-build.mjs';
import { ensureBuild } from './setup/build.mjs';
import { runForwarding } from './setup/child.mjs';
import { ensureDatabase } from './setup/databases.mjs';
import { ensureDependencies } from './setup/dependencies.mjs';
import { ensureServers } from './setup/ensure-servers.mjs';
import { runMain } from './setup/failure.mjs';
import { checkoutId, root, stateDir } from './setup/paths.mjs';
import { withPostgres } from './setup/postgres-client.mjs';
import { ensureVhost, removeVhost } from './setup/vhosts.mjs';

/*
 * `npm run bench`: the set-up step, the peers' own packages, then the peers and Holdfast side by side. Arguments after `--` are those
 * of bench/main.ts: `npm run bench -- --help`.
 */

runMain(async () => {
  await ensureDependencies();
  const servers = await ensureServers({ forTests: true });
  await ensureBuild();
  await ensurePeers();
  await compileBench();
  // The name of a test's: what a killed bench leaves on the servers is swept away after the next test run.
  const name = ['holdfast', 'test', checkoutId, process.pid, 'bench'].join('_');
  const broker = { url: servers.rabbitmqUrl, managementUrl: servers.managementUrl };
  const amqpUrl = await ensureVhost(broker, name);
  const databaseUrl = await ensureDatabase(servers.databaseUrl, name);
  try {
    process.exitCode = await runForwarding(
      process.execPath,
      ['--enable-source-maps', join(stateDir, 'bench', 'bench', 'main.js'), ...process.argv.slice(2)],
      {
        cwd: root,
        env: {
          ...process.env,
          BENCH_ROOT: root,
          BENCH_AMQP_URL: amqpUrl,
          BENCH_DATABASE_URL: databaseUrl,
        },
      },
    );
  } finally {
    await removeVhost(broker, name);
    await withPostgres(servers.databaseUrl, ({ query }) =>
      query(`drop database if exists "${name}" with (force)`),
    );
  }
});
