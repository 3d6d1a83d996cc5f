import { join } from 'node:path';
import { ensureBuild } from './setup/build.mjs';
import { installPackages, whyNoApt } from './setup/apt.mjs';
import { runForwarding } from './setup/child.mjs';
import { ensureDependencies } from './setup/dependencies.mjs';
import { ensureServers } from './setup/ensure-servers.mjs';
import { runMain, SetupError } from './setup/failure.mjs';
import { root, stateDir } from './setup/paths.mjs';
import { runVisibly } from './setup/run.mjs';

/* `npm run chaos`: the set-up step, then the referee. Arguments after `--` are its own: `npm run chaos -- --help`. */

const log = (line) => console.error(line);

runMain(async () => {
  await ensureDependencies();
  const isHelp = process.argv.includes('--help') || process.argv.includes('-h');
  if (!isHelp) {
    // Not used by the run, which starts servers of its own; this makes sure that there are binaries to start.
    await ensureServers({ forTests: true });
    await ensureBuild();
  }
  await compile();
  process.exitCode = await runForwarding(
    process.execPath,
    ['--enable-source-maps', join(stateDir, 'chaos/chaos/main.js'), ...process.argv.slice(2)],
    { cwd: root },
  );
});

async function compile() {
  const tsc = join(root, 'node_modules/typescript/bin/tsc');
  const code = await runVisibly(process.execPath, [tsc, '-p', 'chaos/tsconfig.build.json'], { cwd: root });
  if (code !== 0)
    throw new SetupError(
      'chaos/ does not compile; the compiler says why above.\n  mend: correct it, then run this again.',
    );
}
