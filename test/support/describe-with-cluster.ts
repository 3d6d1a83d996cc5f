import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { repositoryRoot } from './servers';

/** `describe`, where a cluster can be started. Elsewhere its tests are skipped, and standard error says what mends it. */
export function describeWithCluster(name: string, tests: () => void): void {
  if (hasBinaries()) {
    describe(name, tests);
    return;
  }
  process.stderr.write(
    `skipped: ${name}: a cluster needs the server binaries of RabbitMQ, and there are none on this machine\n` +
      '  mend: install the package rabbitmq-server\n',
  );
  describe.skip(name, tests);
}

function hasBinaries(): boolean {
  const module = JSON.stringify(join(repositoryRoot, 'scripts/setup/private-rabbitmq.mjs'));
  const program = `import { privateRabbitmq } from ${module}; process.exit(privateRabbitmq.findBinaries() ? 0 : 1);`;
  return spawnSync(process.execPath, ['--input-type=module', '--eval', program]).status === 0;
}
