import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Figures, Measure, Variant } from '../part';
import { Child } from '../stage/child';
import type { Stage } from '../stage/stage';
import { POOL_SIZE } from '../measuring/order';
import { IN_FLIGHT, type HoldingConsumer } from './holding';

export const MEMORY = [
  { key: 'rss', label: 'RSS idle, MiB', better: 'less', digits: 1 },
  { key: 'startMs', label: 'start-up, ms', better: 'less' },
  { key: 'bytes', label: 'bytes per message in flight', better: 'less' },
] as const satisfies readonly Measure[];

/** An application that is started, looked at while it has nothing to do, and ended. */
export interface AppVariant extends Variant {
  readonly kind: 'app';
  /** What node runs. */
  readonly script: (root: string) => string;
  readonly environment: Readonly<Record<string, string>>;
}

export interface HoldingVariant extends Variant {
  readonly kind: 'holding';
  readonly load: () => Promise<HoldingConsumer>;
}

export type MemoryVariant = AppVariant | HoldingVariant;

/** Idle for so long before it is weighed. */
const IDLE_MS = { full: 5_000, quick: 1_000 };
const START_MS = 30_000;
const POLL_MS = 5;

export function memoryOf(variant: MemoryVariant, stage: Stage): Promise<Figures> {
  return variant.kind === 'app' ? weighApp(variant, stage) : weighHeld(variant, stage);
}

async function weighApp({ name, script, environment }: AppVariant, stage: Stage): Promise<Figures> {
  await stage.queue.makeAnew();
  const port = await freePort();
  const startedAt = performance.now();
  const child = new Child(`memory/${name}`, script(stage.root), {
    flags: ['--require', join(__dirname, 'probe.js')],
    environment: {
      ...environment,
      PORT: String(port),
      RABBITMQ_URL: stage.amqpUrl,
      DATABASE_URL: stage.databaseUrl,
      HOLDFAST_DATABASE_POOL: String(POOL_SIZE),
    },
  });
  try {
    const deadline = startedAt + START_MS;
    while (!(await isReady(port))) {
      if (performance.now() > deadline) throw new Error(`it was not ready after ${START_MS} ms`);
      await sleep(POLL_MS);
    }
    const startMs = performance.now() - startedAt;
    await sleep(IDLE_MS[stage.mode]);
    child.say('weigh');
    return { startMs, rss: Number(await child.next(START_MS)) / 2 ** 20 };
  } finally {
    await child.kill();
  }
}

async function weighHeld({ name }: HoldingVariant, stage: Stage): Promise<Figures> {
  await stage.queue.makeAnew();
  const child = new Child(`memory/${name}`, join(__dirname, 'hold.js'), {
    args: [name],
    flags: ['--expose-gc'],
    environment: { BENCH_AMQP_URL: stage.amqpUrl, BENCH_DATABASE_URL: stage.databaseUrl },
  });
  try {
    await child.next(START_MS);
    await stage.queue.add(IN_FLIGHT);
    return { bytes: Number(await child.next(START_MS)) };
  } finally {
    await child.kill();
  }
}

async function isReady(port: number): Promise<boolean> {
  try {
    const response = await fetch(`http://127.0.0.1:${port}/health/ready`);
    await response.arrayBuffer();
    return response.ok;
  } catch {
    // It does not listen yet.
    return false;
  }
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      const port = typeof address === 'object' && address ? address.port : 0;
      server.close(() => resolve(port));
    });
  });
}
