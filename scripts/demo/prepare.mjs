import { ensureBuild } from '../setup/build.mjs';
import { ensureDependencies } from '../setup/dependencies.mjs';
import { ensureServers } from '../setup/ensure-servers.mjs';
import { runMain, SetupError } from '../setup/failure.mjs';

/* The process that `set-up.mjs` starts. It answers with the servers, and every way it ends is an answer. */

runMain(async () => {
  await ensureDependencies();
  const servers = await findServers();
  await ensureBuild();
  process.send(servers, () => process.disconnect());
}).finally(() => process.connected && process.exitCode && process.disconnect());

/** The demo needs what the tests need: a server on which it may create a vhost and a database of its own. */
async function findServers() {
  try {
    return await ensureServers({ forTests: true });
  } catch (error) {
    if (!(error instanceof SetupError)) throw error;
    throw new SetupError(error.message.replaceAll('the tests', 'the demo'), { cause: error });
  }
}
