import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { compileChaos } from './setup/chaos-build.mjs';
import { runForwarding } from './setup/child.mjs';
import { SetupError } from './setup/failure.mjs';
import { ensureFakeTime } from './setup/fake-time.mjs';
import { closingLine } from './setup/jest-results.mjs';
import { root, stateDir } from './setup/paths.mjs';
import { prepare } from './setup/prepare.mjs';
import { statePath } from './setup/state.mjs';
import { sweepTestLeftovers } from './setup/test-leftovers.mjs';

/*
 * `npm test`: the set-up step, every test on the real servers, and at last a quick run of the chaos referee, whose rules count as tests.
 * Arguments after `--` go to jest, and leave the referee out.
 */

const results = join(stateDir, 'jest.json');
const chaosFolder = join(stateDir, 'chaos-quick');
const chaosReport = join(chaosFolder, 'report.json');
/** Always the same faults, so that a red run of the pipeline can be told from bad luck: those of a seed that once found something. `npm run chaos` draws others. */
const CHAOS_SEED = '11';

async function main() {
  const servers = await prepare({ forTests: true });
  await complain(sweepTestLeftovers(servers));
  const code = await runJest(servers);
  await complain(sweepTestLeftovers(servers));
  if (process.argv.length > 2) return code;
  return (await runChaos()) || code;
}

async function runChaos() {
  await ensureFakeTime({ log: (line) => console.error(line) });
  await compileChaos();
  const chaos = join(stateDir, 'chaos/chaos/main.js');
  const options = ['--quick', '--seed', CHAOS_SEED, '--out', chaosFolder];
  return runForwarding(process.execPath, ['--enable-source-maps', chaos, ...options], {
    cwd: root,
    stdio: ['inherit', 2, 'inherit'],
  });
}

function runJest({ rabbitmqUrl, databaseUrl }) {
  mkdirSync(stateDir, { recursive: true });
  const jest = join(root, 'node_modules/jest/bin/jest.js');
  return runForwarding(
    process.execPath,
    [jest, '--json', `--outputFile=${results}`, ...process.argv.slice(2)],
    {
      cwd: root,
      stdio: ['inherit', 'ignore', 'inherit'], // jest reports on standard error; on the other it would print the JSON.
      env: {
        ...process.env,
        HOLDFAST_TEST_RABBITMQ_URL: rabbitmqUrl,
        HOLDFAST_TEST_DATABASE_URL: databaseUrl,
        HOLDFAST_TEST_SERVERS: statePath,
      },
    },
  );
}

async function complain(complaints) {
  for (const complaint of await complaints) console.error(`could not clean up: ${complaint}`);
}

rmSync(results, { force: true });
rmSync(chaosFolder, { recursive: true, force: true });
let code = 1;
try {
  code = await main();
} catch (error) {
  console.error(error instanceof SetupError ? `\n${error.message}` : error);
}
console.log(closingLine(results, code, chaosReport));
process.exitCode = code;
