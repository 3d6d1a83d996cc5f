import { spawnSync } from 'node:child_process';
import { chmodSync, chownSync, mkdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { checkoutId, stateDir } from './paths.mjs';

/** Server scripts and Erlang command lines stumble over blanks and other unusual characters in paths. */
const PLAIN_PATH = /^[\w./+@-]+$/;

/**
 * An empty folder for a private server, in `.holdfast/` if the server can live there, else in the temporary folder.
 * `user` is the system user that must be able to write into it, if not this one.
 */
export function createInstanceHome(name, { user, log }) {
  const home = join(stateDir, 'instances', name);
  const reason = whyUnfit(home, user);
  if (!reason) return home;
  rmSync(home, { recursive: true, force: true });
  const temporary = join(tmpdir(), `holdfast-${checkoutId}`, name);
  const temporaryReason = whyUnfit(temporary, user);
  if (temporaryReason) throw new Error(`${reason}, and ${temporaryReason}`);
  log(`${name}: its data goes to ${temporary}, because ${reason}`);
  return temporary;
}

function whyUnfit(home, user) {
  if (!PLAIN_PATH.test(home)) return `the path ${home} has characters the server's scripts cannot take`;
  rmSync(home, { recursive: true, force: true });
  mkdirSync(home, { recursive: true, mode: 0o755 });
  if (!user) return undefined;
  chownSync(home, user.uid, user.gid);
  chmodSync(home, 0o700);
  // Asked of the system rather than read from mode bits: ACLs and mounts have a say too.
  const { status } = spawnSync('test', ['-w', home], { uid: user.uid, gid: user.gid, cwd: '/' });
  return status === 0 ? undefined : `the user ${user.name} cannot reach ${home}`;
}
