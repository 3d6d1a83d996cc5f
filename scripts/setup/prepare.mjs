import { ensureBuild } from './build.mjs';
import { ensureDependencies } from './dependencies.mjs';
import { ensureServers } from './ensure-servers.mjs';
import { checkNodeVersion } from './node-version.mjs';

/**
 * Everything that must be there before the service or a test can run: the packages and the compiled service on one
 * side, RabbitMQ and Postgres on the other, which do not wait for each other. Resolves to what `ensureServers` does.
 */
export async function prepare({ log = console.log, forTests = false } = {}) {
  checkNodeVersion();
  const [servers, compiled] = await Promise.allSettled([
    ensureServers({ log, forTests }),
    ensureDependencies({ log }).then(() => ensureBuild({ log })),
  ]);
  for (const { reason } of [servers, compiled].filter(({ status }) => status === 'rejected')) throw reason;
  return servers.value;
}
