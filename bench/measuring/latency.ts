import type { Figures, Measure } from '../part';
import { emptyTables } from '../stage/tables';
import type { Stage } from '../stage/stage';
import type { ConsumerVariant } from './consumer';
import { WARM_UP_SHARE } from './consumption';
import { proveCorrect } from './correct';
import { consumeInChild } from './in-child';

export const PER_SECOND = 500;

export const LATENCY = [
  { key: 'p99', label: 'p99, ms', better: 'less', digits: 1 },
  { key: 'p50', label: 'p50, ms', better: 'less', digits: 1 },
] as const satisfies readonly Measure[];

/** How long a message takes from its publication to its acknowledgement while a steady trickle arrives. */
export async function latencyOf(part: string, variant: ConsumerVariant, stage: Stage): Promise<Figures> {
  const messages = variant.messages[stage.mode];
  await emptyTables(stage.databaseUrl);
  await stage.queue.makeAnew();
  const expected = { messages, deliveries: messages, warmUp: Math.floor(messages * WARM_UP_SHARE) };
  const { counted } = await consumeInChild(
    { part, variant: variant.name, expected, waitsForParent: false },
    stage,
    () => stage.queue.trickle(messages, PER_SECOND),
  );
  await proveCorrect(counted, { messages, repeated: 0, writes: true }, stage);
  if (!counted.latency) throw new Error('no message told when it was published');
  return counted.latency;
}
