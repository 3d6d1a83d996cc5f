import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { ensureDependencies } from './setup/dependencies.mjs';
import { SetupError } from './setup/failure.mjs';
import { root } from './setup/paths.mjs';
import { runVisibly } from './setup/run.mjs';

/* `npm run check`: everything that must be right before a change is merged, the quickest first, the tests last. */

const tool = (path, ...args) => [join(root, 'node_modules', path), ...args];

const STEPS = [
  ['format', tool('prettier/bin/prettier.cjs', '--check', '--log-level', 'warn', '.')],
  ['lint', tool('eslint/bin/eslint.js', '.')],
  ['types', tool('typescript/bin/tsc', '--noEmit', '-p', 'tsconfig.json')],
  [
    'architecture',
    tool('dependency-cruiser/bin/dependency-cruise.mjs', 'src', '--config', '.dependency-cruiser.cjs'),
  ],
  ['dead code', tool('knip/bin/knip.js')],
  ['generated docs', [join(root, 'scripts/docs.mjs'), '--check'], 'scripts/docs.mjs'],
];

/** Runs the steps in order, each with one line of result; false at the first that fails. */
async function runSteps() {
  for (const [name, args, onlyIfExists] of STEPS) {
    if (onlyIfExists && !existsSync(join(root, onlyIfExists))) continue;
    const startedAt = performance.now();
    const code = await runVisibly(process.execPath, args, { cwd: root });
    const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
    console.log(`${code === 0 ? 'ok  ' : 'FAIL'} ${name} (${seconds} s)`);
    if (code !== 0) return false;
  }
  return true;
}

async function prepare() {
  try {
    await ensureDependencies();
    return await runSteps();
  } catch (error) {
    console.error(error instanceof SetupError ? `\n${error.message}` : error);
    return false;
  }
}

if (await prepare()) {
  // Prints the closing line itself.
  process.exitCode = await runVisibly(
    process.execPath,
    [join(root, 'scripts/test.mjs'), ...process.argv.slice(2)],
    {
      cwd: root,
    },
  );
} else {
  console.log('0 passed, 1 failed');
  process.exitCode = 1;
}
