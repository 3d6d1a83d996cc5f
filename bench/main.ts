import { join } from 'node:path';
import { helpOf, isWhole, readOptions, type Options } from './options';
import type { Figures, Part } from './part';
import { PARTS } from './parts/parts';
import { filesOf, keep } from './report/keep';
import { targetItem, toMarkdown } from './report/markdown';
import { isReached, resultOf, type PartResult } from './report/results';
import { runPart } from './run-part';
import { BenchQueue } from './stage/bench-queue';
import { describeMachine } from './stage/machine';
import type { Stage } from './stage/stage';
import { createTables, serverVersion } from './stage/tables';

/* `npm run bench` comes here by way of scripts/bench.mjs, which has made everything ready. */

const root = process.env['BENCH_ROOT']!;

async function main(): Promise<void> {
  const options = readOptions(process.argv.slice(2), PARTS);
  if (options.help) {
    console.log(helpOf(PARTS));
    return;
  }
  const amqpUrl = process.env['BENCH_AMQP_URL']!;
  const databaseUrl = process.env['BENCH_DATABASE_URL']!;
  await createTables(databaseUrl);
  const queue = await BenchQueue.open(amqpUrl);
  const stage: Stage = {
    amqpUrl,
    databaseUrl,
    queue,
    root,
    mode: options.quick ? 'quick' : 'full',
    profiles: options.profile ? join(root, '.holdfast', 'profiles') : undefined,
  };
  const machine = describeMachine(queue.brokerVersion, await serverVersion(databaseUrl));
  const files = filesOf(root, isWhole(options));
  const results: PartResult[] = [];
  for (const part of PARTS.filter(({ name }) => options.parts.length === 0 || options.parts.includes(name))) {
    results.push(await measure(part, stage, options, machine));
    // After each part: a later one that ends the process takes nothing of this with it.
    keep(files, PARTS, results);
  }
  await queue.close();
  conclude(results, [files.results, ...(files.page ? [files.page] : [])]);
}

async function measure(part: Part, stage: Stage, options: Options, machine: string): Promise<PartResult> {
  const origin = { command: commandOf(process.argv.slice(2)), at: new Date().toISOString(), machine };
  const variants = part.variants.filter(
    ({ name }) => options.only.length === 0 || options.only.includes(name),
  );
  const width = Math.max(...variants.map(({ name }) => name.length));
  console.log(`\n${part.title} (${part.name})`);
  const runs = await runPart(part, variants, {
    rounds: options.rounds ?? part.rounds[stage.mode],
    stage,
    listener: {
      measured: ({ round, rounds, variant, figures }) =>
        console.log(
          `  round ${round}/${rounds}  ${variant.name.padEnd(width)}  ${figuresText(part, figures)}`,
        ),
      failed: ({ round, rounds, variant, failure }) =>
        console.error(`  round ${round}/${rounds}  ${variant.name.padEnd(width)}  FAILED: ${failure}`),
    },
  });
  return resultOf(part, runs, origin);
}

function figuresText({ measures }: Part, figures: Figures): string {
  return measures
    .flatMap(({ key, label, digits = 0 }) => {
      const value = figures[key];
      return value === undefined ? [] : [`${value.toFixed(digits).padStart(8)} ${label}`];
    })
    .join('  ');
}

function conclude(results: readonly PartResult[], written: readonly string[]): void {
  console.log(`\n${toMarkdown({ parts: results })}\n`);
  const all = results.flatMap((part) => part.targets.map((target) => ({ part, target })));
  const reached = all.filter(({ target }) => isReached(target)).length;
  console.log(`targets: ${reached} of ${all.length} reached`);
  for (const { part, target } of all)
    if (!isReached(target)) console.log(`  ${part.name}: ${targetItem(part, target).replaceAll('**', '')}`);
  console.log(`written to ${written.join(' and ')}`);
  if (results.some(({ variants }) => variants.some(({ failure }) => failure !== undefined)))
    process.exitCode = 1;
}

function commandOf(args: readonly string[]): string {
  return ['npm run bench', ...(args.length > 0 ? ['--'] : []), ...args].join(' ');
}

main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exit(1);
});
