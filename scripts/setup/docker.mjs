import { root } from './paths.mjs';
import { findExecutable, run } from './run.mjs';

/** Undefined if `docker compose` can be used here, else why not. */
export async function whyNoDocker() {
  if (!findExecutable('docker')) return 'there is no docker command';
  const info = await run('docker', ['info', '--format', '{{.ServerVersion}}'], { timeoutMs: 10_000 });
  if (!info.ok) return `docker info fails: ${lastLine(info.output)}`;
  const plugin = await run('docker', ['compose', 'version'], { timeoutMs: 10_000 });
  return plugin.ok ? undefined : `docker compose fails: ${lastLine(plugin.output)}`;
}

export const compose = (args, options = {}) => run('docker', ['compose', ...args], { cwd: root, ...options });

/** What docker complains about: its last line, unless that one only points to its help. */
export const lastLine = (output) =>
  output
    .trim()
    .split('\n')
    .filter((line) => line && !/^(Run|See) '/.test(line))
    .at(-1) ?? 'no message';
