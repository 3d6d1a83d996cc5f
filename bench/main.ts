import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { BenchQueue } from './load';
import { PARTS, type Part } from './parts';
import { toMarkdown, writeIntoPage } from './report';
import { describeMachine, resultOf, type PartResult, type Results } from './results';
import { runOnce, type Measured } from './run-once';
import { createTables, serverVersion } from './tables';

/* `npm run bench` comes here by way of scripts/bench.mjs, which has made everything ready. */

const root = process.env['BENCH_ROOT']!;
const amqpUrl = process.env['BENCH_AMQP_URL']!;
const databaseUrl = process.env['BENCH_DATABASE_URL']!;

interface Options {
  readonly quick: boolean;
  readonly parts: readonly Part[];
  /** Only these variants; empty: all. */
  readonly only: readonly string[];
  readonly rounds: number | undefined;
  readonly profile: boolean;
}

async function main(): Promise<void> {
  const options = readOptions();
  await createTables(databaseUrl);
  const queue = await BenchQueue.open(amqpUrl);
  const parts: PartResult[] = [];
  for (const part of options.parts) parts.push(await runPart(part, queue, options));
  const results: Results = {
    command: ['npm run bench', ...process.argv.slice(2)].join(' ').replace('bench ', 'bench -- '),
    at: new Date().toISOString(),
    machine: describeMachine(queue.brokerVersion, await serverVersion(databaseUrl)),
    parts,
  };
  await queue.close();
  console.log(`\n${toMarkdown(results)}\n`);
  keep(results, process.argv.length === 2);
}

/** A, B, C, A, B, C: what slows the machine for a while slows all of them. */
async function runPart(part: Part, queue: BenchQueue, options: Options): Promise<PartResult> {
  const mode = options.quick ? 'quick' : 'full';
  const messages = part.messages[mode];
  const rounds = options.rounds ?? part.rounds[mode];
  const variants = part.variants.filter(
    ({ name }) => options.only.length === 0 || options.only.includes(name),
  );
  const measured = new Map(variants.map(({ name }) => [name, [] as Measured[]]));
  const profiles = options.profile ? join(root, '.holdfast', 'profiles') : undefined;
  console.log(`\n${part.title}`);
  for (let round = 1; round <= rounds; round++) {
    for (const variant of variants) {
      const run = await runOnce(part, variant, queue, { amqpUrl, databaseUrl, messages, profiles });
      measured.get(variant.name)!.push(run);
      console.log(
        `  round ${round}/${rounds}  ${variant.name.padEnd(20)} ${run.perSecond.toFixed(0).padStart(7)} messages/s  ${run.clientMicros.toFixed(1).padStart(6)} µs/message`,
      );
    }
  }
  if (profiles) console.log(`  CPU profiles are in ${profiles}; open them in Chrome's developer tools`);
  return resultOf(part, messages, measured);
}

/** Only a whole run is what docs/benchmarks.md shows. */
function keep(results: Results, isWhole: boolean): void {
  const path = isWhole
    ? join(root, 'bench', 'results', 'latest.json')
    : join(root, '.holdfast', 'bench-results.json');
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, `${JSON.stringify(results, undefined, 2)}\n`);
  if (isWhole) writeIntoPage(join(root, 'docs', 'benchmarks.md'), results);
  console.log(isWhole ? `written to ${path} and docs/benchmarks.md` : `written to ${path}`);
}

function readOptions(): Options {
  const { values } = parseArgs({
    options: {
      quick: { type: 'boolean', default: false },
      part: { type: 'string', multiple: true, default: [] },
      only: { type: 'string', default: '' },
      rounds: { type: 'string' },
      profile: { type: 'boolean', default: false },
    },
  });
  const known = PARTS.map(({ name }) => name);
  const unknown = values.part.filter((name) => !known.includes(name));
  if (unknown.length > 0) throw new Error(`--part ${unknown.join(', ')}: the parts are ${known.join(', ')}`);
  return {
    quick: values.quick,
    parts: PARTS.filter(({ name }) => values.part.length === 0 || values.part.includes(name)),
    only: values.only === '' ? [] : values.only.split(','),
    rounds: values.rounds === undefined ? undefined : Number(values.rounds),
    profile: values.profile,
  };
}

main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exit(1);
});
