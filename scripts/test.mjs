import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { runForwarding } from './setup/child.mjs';
import { SetupError } from './setup/failure.mjs';
import { closingLine } from './setup/jest-results.mjs';
import { root, stateDir } from './setup/paths.mjs';
import { prepare } from './setup/prepare.mjs';
import { statePath } from './setup/state.mjs';
import { sweepTestLeftovers } from './setup/test-leftovers.mjs';

/* `npm test`: the set-up step, then every test on the real servers. Arguments after `--` go to jest. */

const results = join(stateDir, 'jest.json');

async function main() {
  const servers = await prepare({ forTests: true });
  await complain(sweepTestLeftovers(servers));
  const code = await runJest(servers);
  await complain(sweepTestLeftovers(servers));
  return code;
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
let code = 1;
try {
  code = await main();
} catch (error) {
  console.error(error instanceof SetupError ? `\n${error.message}` : error);
}
console.log(closingLine(results, code));
process.exitCode = code;
