import { join } from 'node:path';
import { ensureBuild } from './setup/build.mjs';
import { compileChaos } from './setup/chaos-build.mjs';
import { runForwarding } from './setup/child.mjs';
import { ensureDependencies } from './setup/dependencies.mjs';
import { ensureServers } from './setup/ensure-servers.mjs';
import { ensureFakeTime } from './setup/fake-time.mjs';
import { runMain } from './setup/failure.mjs';
import { root, stateDir } from './setup/paths.mjs';

/* `npm run chaos`: the set-up step, then the referee. Arguments after `--` are its own: `npm run chaos -- --help`. */

runMain(async () => {
  await ensureDependencies();
  const isHelp = process.argv.includes('--help') || process.argv.includes('-h');
  if (!isHelp) {
    // Not used by the run, which starts servers of its own; this makes sure that there are binaries to start.
    await ensureServers({ forTests: true });
    await ensureBuild();
    await ensureFakeTime({ log: (line) => console.error(line) });
  }
  await compileChaos();
  process.exitCode = await runForwarding(
    process.execPath,
    ['--enable-source-maps', join(stateDir, 'chaos/chaos/main.js'), ...process.argv.slice(2)],
    { cwd: root },
  );
});
