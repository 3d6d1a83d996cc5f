import { SetupError } from './failure.mjs';
import { run } from './run.mjs';

/** Evaluates an Erlang expression on a server of ours, from its record. */
export async function evaluateOn({ name, ctl }, expression) {
  const { ok, output } = await run(ctl.command, [...ctl.args, 'eval', expression], {
    env: { ...process.env, ...ctl.env },
    cwd: '/',
    timeoutMs: 60_000,
  });
  if (!ok) throw new SetupError(`rabbitmqctl cannot reach ${name}: ${output}`);
}
