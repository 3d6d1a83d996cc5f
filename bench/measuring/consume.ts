import 'reflect-metadata';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { PARTS } from '../parts/parts';
import type { ConsumerVariant } from './consumer';
import { Tally, type Expected } from './tally';

/* The child process of one run: consumes with one variant until everything is settled, and tells its parent what it counted. */

/** What the parent asks for, as JSON. */
export interface ConsumeOrder {
  readonly part: string;
  readonly variant: string;
  readonly expected: Expected;
  /** Goes on until the parent says that it has seen everything. */
  readonly waitsForParent: boolean;
}

/** The broker drops acknowledgements that a closed connection had sent and its channel had not read. */
const ACKS_READ_MS = 300;
const TIMEOUT_MS = 60_000;

async function main(order: ConsumeOrder): Promise<void> {
  const plan = PARTS.find(({ name }) => name === order.part)?.variants.find(
    ({ name }) => name === order.variant,
  ) as ConsumerVariant | undefined;
  if (!plan) throw new Error(`the bench has no variant ${order.variant} in ${order.part}`);
  const consumer = await plan.load();
  const tally = new Tally(order.expected);
  const toldToStop = order.waitsForParent ? once(process, 'message') : undefined;
  const stop = await consumer.start({
    amqpUrl: process.env['BENCH_AMQP_URL']!,
    databaseUrl: process.env['BENCH_DATABASE_URL']!,
    tally,
  });
  process.send?.('consuming');
  const counted = await tally.whenAllSettled(TIMEOUT_MS);
  process.send?.(counted);
  await toldToStop;
  await sleep(ACKS_READ_MS);
  await stop();
}

main(JSON.parse(process.argv[2] ?? '') as ConsumeOrder).then(
  // What a library leaves open must not hold the bench up; exiting also writes the profile when one was asked for.
  () => setImmediate(() => process.exit(0)),
  (error: unknown) => {
    console.error(error);
    process.exit(1);
  },
);
