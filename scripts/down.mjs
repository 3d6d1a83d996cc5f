import { rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { removeAbandonedPolicy } from './setup/apt.mjs';
import { compose, lastLine } from './setup/docker.mjs';
import { runMain, SetupError } from './setup/failure.mjs';
import { endUnknown, removeInstance } from './setup/instances.mjs';
import { withLock } from './setup/lock.mjs';
import { checkoutId, stateDir } from './setup/paths.mjs';
import { readState } from './setup/state.mjs';

/* `npm run down`: stops what the set-up step of this checkout started and removes its data. Nothing else. */

runMain(async () => {
  await withLock('set-up', stopEverything, { log: console.log });
  rmSync(join(tmpdir(), `holdfast-${checkoutId}`), { recursive: true, force: true });
  rmSync(stateDir, { recursive: true, force: true, maxRetries: 5 });
  removeAbandonedPolicy();
});

async function stopEverything() {
  const records = Object.values(readState().instances);
  if (records.length === 0) console.log('nothing to stop: the set-up step has started nothing here');
  await Promise.all(records.filter(({ backend }) => backend !== 'compose').map(stopOne));
  if (records.some(({ backend }) => backend === 'compose')) await composeDown();
  await endUnknown();
}

async function stopOne({ name }) {
  await removeInstance(name, console.log);
  console.log(`${name}: stopped, data removed`);
}

async function composeDown() {
  const { ok, output } = await compose(['down', '--volumes']);
  if (ok) return console.log('docker compose: stopped, volumes removed');
  throw new SetupError(
    `docker compose down failed: ${lastLine(output)}\n  mend: docker compose down --volumes`,
  );
}
