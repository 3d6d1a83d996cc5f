import { join } from 'node:path';
import { Child } from '../stage/child';
import type { Stage } from '../stage/stage';
import type { ConsumeOrder } from './consume';
import type { Counted } from './tally';

const READY_MS = 30_000;
const DONE_MS = 70_000;

/** A consuming process: `begun` once it consumes, `counted` once all is settled. */
export class ConsumingChild {
  private readonly child: Child;

  constructor(order: ConsumeOrder, { amqpUrl, databaseUrl, profiles }: Stage) {
    const name = `${order.part}/${order.variant}`;
    const profile = `--cpu-prof-name=${order.part}-${order.variant}.cpuprofile`;
    this.child = new Child(name, join(__dirname, 'consume.js'), {
      args: [JSON.stringify(order)],
      flags: profiles ? ['--cpu-prof', `--cpu-prof-dir=${profiles}`, profile] : [],
      environment: { BENCH_AMQP_URL: amqpUrl, BENCH_DATABASE_URL: databaseUrl },
    });
  }

  async begun(): Promise<void> {
    await this.child.next(READY_MS);
  }

  async counted(): Promise<Counted> {
    return (await this.child.next(DONE_MS)) as Counted;
  }

  /** Lets it end in order. */
  async ended(): Promise<void> {
    this.child.say('stop');
    await this.child.ended();
  }

  kill(): Promise<void> {
    return this.child.kill();
  }
}

/** Consumes what is in the queue, and beside it does what is asked for; whatever happens, the process is gone afterwards. */
export async function consumeInChild<T>(
  order: ConsumeOrder,
  stage: Stage,
  meanwhile: (child: ConsumingChild) => Promise<T>,
): Promise<{ readonly counted: Counted; readonly outcome: T }> {
  const child = new ConsumingChild(order, stage);
  try {
    await child.begun();
    const outcome = await meanwhile(child);
    const counted = await child.counted();
    await child.ended();
    return { counted, outcome };
  } finally {
    await child.kill();
  }
}
