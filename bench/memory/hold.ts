import 'reflect-metadata';
import { memory } from '../parts/memory';
import { IN_FLIGHT } from './holding';

/* The child process that holds messages: tells its parent how many bytes each of them costs. */

async function main(name: string): Promise<void> {
  const variant = memory.variants.find((candidate) => candidate.name === name);
  if (variant?.kind !== 'holding') throw new Error(`the bench has nothing that holds messages named ${name}`);
  const consumer = await variant.load();
  let held = 0;
  let before = 0;
  await consumer.start({
    amqpUrl: process.env['BENCH_AMQP_URL']!,
    databaseUrl: process.env['BENCH_DATABASE_URL']!,
    holds: () => {
      held++;
      if (held === IN_FLIGHT) setImmediate(() => process.send?.((weigh() - before) / IN_FLIGHT));
    },
  });
  before = weigh();
  process.send?.('consuming');
}

/** Heap and buffers in use, without garbage: twice, because what the first collection finalises the second one frees. */
function weigh(): number {
  const collect = globalThis.gc;
  if (!collect) throw new Error('node must be started with --expose-gc');
  collect();
  collect();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

main(process.argv[2] ?? '').catch((error: unknown) => {
  console.error(error);
  process.exit(1);
});
