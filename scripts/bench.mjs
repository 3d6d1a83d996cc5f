import { join } from 'node:path';
import { ensureBuild } from './setup/build.mjs';
import { runForwarding } from './setup/child.mjs';
import { ensureDatabase } from './setup/databases.mjs';
import { ensureDependencies } from './setup/dependencies.mjs';
import { ensureServers } from './setup/ensure-servers.mjs';
import { runMain, SetupError } from './setup/failure.mjs';
import { checkoutId, root, stateDir } from './setup/paths.mjs';
import { withPostgres } from './setup/postgres-client.mjs';
import { runVisibly } from './setup/run.mjs';
import { ensureVhost, removeVhost } from './setup/vhosts.mjs';

/*
 * `npm run bench`: the set-up step, then the peers and Holdfast side by side. Arguments after `--`: --quick (about a
 * minute), --part plain|idempotent, --only <variants>, --rounds <number>, --profile (CPU profiles).
 */

runMain(async () => {
  await ensureDependencies();
  const servers = await ensureServers({ forTests: true });
  await ensureBuild();
  await compileBench();
  // The name of a test's: what a killed bench leaves on the servers is swept away after the next test run.
  const name = ['holdfast', 'test', checkoutId, process.pid, 'bench'].join('_');
  const broker = { url: servers.rabbitmqUrl, managementUrl: servers.managementUrl };
  const amqpUrl = await ensureVhost(broker, name);
  const databaseUrl = await ensureDatabase(servers.databaseUrl, name);
  try {
    process.exitCode = await runForwarding(
      process.execPath,
      ['--enable-source-maps', join(stateDir, 'bench', 'main.js'), ...process.argv.slice(2)],
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

async function compileBench() {
  const tsc = join(root, 'node_modules/typescript/bin/tsc');
  const code = await runVisibly(process.execPath, [tsc, '-p', 'bench/tsconfig.build.json'], { cwd: root });
  if (code !== 0)
    throw new SetupError(
      'bench/ does not compile; the compiler says why above.\n  mend: correct it, then run this again.',
    );
}
