import 'reflect-metadata';
import { setTimeout as sleep } from 'node:timers/promises';
import { PARTS } from './parts';
import { Tally } from './tally';

/* The child process of one run: consumes with one variant until everything is settled, and tells its parent what it counted. */

const TIMEOUT_MS = 120_000;
/** The broker drops acknowledgements that a closed connection had sent and its channel had not read. */
const ACKS_READ_MS = 300;

async function main([partName, variantName, messages]: string[]): Promise<void> {
  const plan = PARTS.find(({ name }) => name === partName)?.variants.find(({ name }) => name === variantName);
  if (!plan) throw new Error(`the bench has no variant ${String(variantName)} in ${String(partName)}`);
  const variant = await plan.load();
  const tally = new Tally(Number(messages));
  const stop = await variant.start({
    amqpUrl: process.env['BENCH_AMQP_URL']!,
    databaseUrl: process.env['BENCH_DATABASE_URL']!,
    tally,
  });
  const counted = await tally.whenAllSettled(TIMEOUT_MS);
  await sleep(ACKS_READ_MS);
  await stop();
  process.send?.(counted);
}

main(process.argv.slice(2)).then(
  // What a library leaves open must not hold the bench up; exiting also writes the profile when one was asked for.
  () => setImmediate(() => process.exit(0)),
  (error: unknown) => {
    console.error(error);
    process.exit(1);
  },
);
