import type { Figures, Measure } from '../part';
import { DOWNSTREAM } from '../stage/bench-queue';
import { emptyTables } from '../stage/tables';
import type { Stage } from '../stage/stage';
import type { ConsumerVariant } from './consumer';
import { WARM_UP_SHARE } from './consumption';
import { proveCorrect } from './correct';
import { Downstream } from './downstream';
import { consumeInChild } from './in-child';

const ARRIVED_MS = 60_000;

export const ARRIVALS = [
  { key: 'perSecond', label: 'messages/s downstream', better: 'more' },
  { key: 'clientMicros', label: 'client CPU µs/message', better: 'less', digits: 1 },
] as const satisfies readonly Measure[];

/** Each message is handled and makes another one: how fast those arrive downstream, each of them once. */
export async function outboxOf(part: string, variant: ConsumerVariant, stage: Stage): Promise<Figures> {
  const { queue, amqpUrl } = stage;
  const messages = variant.messages[stage.mode];
  const warmUp = Math.floor(messages * WARM_UP_SHARE);
  await emptyTables(stage.databaseUrl);
  await queue.makeAnew(DOWNSTREAM);
  await queue.fill(messages);
  const downstream = new Downstream(messages, warmUp);
  await downstream.open(amqpUrl, DOWNSTREAM);
  try {
    const { counted, outcome } = await consumeInChild(
      {
        part,
        variant: variant.name,
        expected: { messages, deliveries: messages, warmUp },
        waitsForParent: true,
      },
      stage,
      () => downstream.whenAllArrived(ARRIVED_MS),
    );
    await proveCorrect(counted, { messages, repeated: 0, writes: true }, stage);
    const { repeated } = downstream.counted;
    if (repeated > 0) throw new Error(`the run was not correct: ${repeated} arrived downstream again`);
    return { perSecond: outcome.perSecond, clientMicros: (counted.cpuMs / counted.timed) * 1_000 };
  } finally {
    await downstream.stop();
    await queue.remove(DOWNSTREAM);
  }
}
