import { chmodSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { root, stateDir } from './paths.mjs';
import { withLock } from './lock.mjs';

/** What the set-up step found or started. Tests read it, so its form is described in test/support/servers.ts. */
export const statePath = join(stateDir, 'servers.json');

const empty = () => ({ version: 1, root, instances: {} });

/** The stored state; an empty one where there is none, or where it is of another version or checkout. */
export function readState() {
  try {
    const state = JSON.parse(readFileSync(statePath, 'utf8'));
    return state.version === 1 && state.root === root ? state : empty();
  } catch {
    return empty();
  }
}

/** Changes the state under a lock held for an instant; the change must not wait for anything. */
export function updateState(change) {
  return withLock('servers-json', () => {
    const state = readState();
    const result = change(state);
    writeState(state);
    return result;
  });
}

/** Written beside and renamed, so that a reader or a crash never meets half a file. It holds passwords: mode 600. */
function writeState(state) {
  mkdirSync(stateDir, { recursive: true });
  const draft = `${statePath}.${process.pid}`;
  writeFileSync(draft, `${JSON.stringify(state, null, 2)}\n`);
  chmodSync(draft, 0o600);
  renameSync(draft, statePath);
}
