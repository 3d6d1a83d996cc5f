import { join } from 'node:path';
import { SetupError } from './failure.mjs';
import { root } from './paths.mjs';
import { runVisibly } from './run.mjs';

/** Compiles the chaos referee and its handlers into `.holdfast/chaos`; the service itself must have been built before. */
export async function compileChaos() {
  const tsc = join(root, 'node_modules/typescript/bin/tsc');
  const code = await runVisibly(process.execPath, [tsc, '-p', 'chaos/tsconfig.build.json'], { cwd: root });
  if (code === 0) return;
  throw new SetupError(
    'chaos/ does not compile; the compiler says why above.\n  mend: correct it, then run this again.',
  );
}
