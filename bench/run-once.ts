import { fork } from 'node:child_process';
import { join } from 'node:path';
import type { BenchQueue } from './load';
import type { Part, VariantPlan } from './parts';
import { countEffects, emptyTables } from './tables';
import type { Counted } from './tally';

export interface RunSettings {
  readonly amqpUrl: string;
  readonly databaseUrl: string;
  readonly messages: number;
  /** Where each child leaves its CPU profile; undefined: nowhere. */
  readonly profiles: string | undefined;
}

export interface Measured {
  readonly perSecond: number;
  /** Processor time of the client for each message, in microseconds. */
  readonly clientMicros: number;
}

/** One run of one variant: fill the queue, consume it in a process of its own, and prove that nothing is missing or double. */
export async function runOnce(
  part: Part,
  variant: VariantPlan,
  queue: BenchQueue,
  settings: RunSettings,
): Promise<Measured> {
  const { messages, databaseUrl } = settings;
  if (part.writes) await emptyTables(databaseUrl);
  await queue.fill(messages);
  const counted = await consumeInChild(part, variant, settings);

  const wrong: string[] = [];
  if (counted.distinct !== messages) wrong.push(`${counted.distinct} of ${messages} messages were handled`);
  if (counted.repeated > 0) wrong.push(`${counted.repeated} were handled again`);
  if (part.writes) {
    const { effects, messages: affected } = await countEffects(databaseUrl);
    if (effects !== messages || affected !== messages)
      wrong.push(`${effects} effects of ${affected} messages are in the table, not ${messages}`);
  }
  // A closed connection gives back what it had not acknowledged: anything unsettled shows here.
  const left = await queue.left();
  if (left > 0) wrong.push(`${left} messages are still in the queue`);
  if (wrong.length > 0) throw new Error(`${part.name}/${variant.name} is not correct: ${wrong.join('; ')}`);
  return {
    perSecond: (messages / counted.elapsedMs) * 1_000,
    clientMicros: (counted.cpuMs / messages) * 1_000,
  };
}

function consumeInChild(part: Part, variant: VariantPlan, settings: RunSettings): Promise<Counted> {
  const { profiles } = settings;
  const flags = profiles
    ? ['--cpu-prof', `--cpu-prof-dir=${profiles}`, `--cpu-prof-name=${part.name}-${variant.name}.cpuprofile`]
    : [];
  return new Promise((resolve, reject) => {
    let counted: Counted | undefined;
    const child = fork(join(__dirname, 'consume.js'), [part.name, variant.name, String(settings.messages)], {
      execArgv: flags,
      env: {
        ...process.env,
        NODE_ENV: 'production',
        BENCH_AMQP_URL: settings.amqpUrl,
        BENCH_DATABASE_URL: settings.databaseUrl,
      },
    });
    child.on('message', (message) => (counted = message as Counted));
    child.on('error', reject);
    child.on('close', (code) => {
      if (code === 0 && counted) resolve(counted);
      else reject(new Error(`${part.name}/${variant.name} ended with ${String(code)} before it was done`));
    });
  });
}
