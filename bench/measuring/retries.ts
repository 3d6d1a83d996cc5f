import type { Figures, Measure } from '../part';
import { emptyTables } from '../stage/tables';
import type { Stage } from '../stage/stage';
import type { ConsumerVariant } from './consumer';
import { WARM_UP_SHARE } from './consumption';
import { proveCorrect } from './correct';
import { consumeInChild } from './in-child';

export const DELAY_MS = 1_000;

export const FAILURES = [
  { key: 'failuresPerSecond', label: 'failures settled/s', better: 'more' },
  { key: 'clientMicros', label: 'client CPU µs/message', better: 'less', digits: 1 },
] as const satisfies readonly Measure[];

export interface RetryVariant extends ConsumerVariant {
  /** Whether each message leaves one row behind. */
  readonly writes: boolean;
}

/** The first try of every message fails, the second one after the delay succeeds: how fast failures are dealt with. */
export async function retriesOf(part: string, variant: RetryVariant, stage: Stage): Promise<Figures> {
  const messages = variant.messages[stage.mode];
  const { writes } = variant;
  if (writes) await emptyTables(stage.databaseUrl);
  await stage.queue.fill(messages);
  const expected = {
    messages,
    deliveries: messages,
    warmUp: Math.floor(messages * WARM_UP_SHARE),
    failsFirst: true,
  };
  const { counted } = await consumeInChild(
    { part, variant: variant.name, expected, waitsForParent: false },
    stage,
    () => Promise.resolve(),
  );
  await proveCorrect(counted, { messages, repeated: messages, writes }, stage);
  const { timed, elapsedMs } = counted.failures;
  if (timed === 0) throw new Error('not every message failed first');
  return {
    failuresPerSecond: (timed / elapsedMs) * 1_000,
    clientMicros: (counted.cpuMsOfAll / messages) * 1_000,
  };
}
