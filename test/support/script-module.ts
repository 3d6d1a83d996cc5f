import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { repositoryRoot } from './servers';

const execute = promisify(execFile);

/**
 * Evaluates an expression on the exports of a module of scripts/, which jest cannot load because it is ESM: its result
 * as JSON. The module is `it`, and the argument is `input`.
 */
export async function evaluate(
  module: string,
  expression: string,
  input: unknown = null,
  env: Record<string, string> = {},
): Promise<unknown> {
  const program = `
    const it = await import(${JSON.stringify(join(repositoryRoot, 'scripts', module))});
    const input = ${JSON.stringify(input)};
    const settle = async () => {
      try { return { result: await (${expression}) }; }
      catch ({ message, final }) { return { error: { message, final: Boolean(final) } }; }
    };
    process.stdout.write(JSON.stringify(await settle()));
  `;
  const { stdout } = await execute(process.execPath, ['--input-type=module', '--eval', program], {
    env: { ...process.env, ...env },
  });
  const { result, error } = JSON.parse(stdout) as { result?: unknown; error?: unknown };
  if (error !== undefined) return { error };
  return result;
}
