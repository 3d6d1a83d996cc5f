import { existsSync, readdirSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { SetupError } from './failure.mjs';
import { withLock } from './lock.mjs';
import { root } from './paths.mjs';
import { runVisibly } from './run.mjs';

/** Written when a build has ended well: half a dist from an interrupted build has none. */
const STAMP = join(root, 'dist', '.built');
const INPUTS = ['src', 'nest-cli.json', 'tsconfig.json', 'tsconfig.build.json', 'package-lock.json'];

/** Compiles src/ to dist/ unless dist/ is newer than everything it is made from. */
export async function ensureBuild({ log = console.log } = {}) {
  if (isFresh()) return;
  await withLock('build', () => (isFresh() ? undefined : build(log)), { log });
}

async function build(log) {
  log('compiling src/ to dist/');
  const startedAt = new Date();
  rmSync(STAMP, { force: true });
  const code = await runVisibly(
    process.execPath,
    [join(root, 'node_modules/@nestjs/cli/bin/nest.js'), 'build'],
    {
      cwd: root,
    },
  );
  if (code !== 0) {
    throw new SetupError(
      'The build failed; the compiler says why above.\n  mend: correct it, then run this again.',
    );
  }
  // The time of its start: what was saved while it ran is compiled by the next one.
  writeFileSync(STAMP, startedAt.toISOString());
  utimesSync(STAMP, startedAt, startedAt);
}

function isFresh() {
  if (!existsSync(STAMP)) return false;
  const builtAt = statSync(STAMP).mtimeMs;
  return INPUTS.every((input) => newestIn(join(root, input)) <= builtAt);
}

/** Folders count too: their time changes when a file is removed. */
function newestIn(path) {
  const stats = statSync(path);
  if (!stats.isDirectory()) return stats.mtimeMs;
  return Math.max(stats.mtimeMs, ...readdirSync(path).map((name) => newestIn(join(path, name))));
}
