import type { Figures } from '../part';
import { LETTERS } from '../stage/bench-queue';
import { moveAll } from '../stage/mover';
import { emptyTables } from '../stage/tables';
import type { Stage } from '../stage/stage';
import type { ConsumerVariant } from './consumer';
import { throughputOf, WARM_UP_SHARE } from './consumption';
import { proveCorrect } from './correct';
import { consumeInChild } from './in-child';
import { QUEUE } from './order';

/** Dead letters are moved back to their queue, by the same mover for all, until every effect is committed. */
export async function replayOf(part: string, variant: ConsumerVariant, stage: Stage): Promise<Figures> {
  const messages = variant.messages[stage.mode];
  const { queue, amqpUrl } = stage;
  await emptyTables(stage.databaseUrl);
  await queue.makeAnew();
  await queue.fill(messages, LETTERS);
  const expected = { messages, deliveries: messages, warmUp: Math.floor(messages * WARM_UP_SHARE) };
  const { counted } = await consumeInChild(
    { part, variant: variant.name, expected, waitsForParent: false },
    stage,
    () => moveAll(amqpUrl, LETTERS, QUEUE, messages),
  );
  await proveCorrect(counted, { messages, repeated: 0, writes: true }, stage);
  const left = await queue.left(LETTERS);
  if (left > 0) throw new Error(`the run was not correct: ${left} dead letters were not moved`);
  await queue.remove(LETTERS);
  return throughputOf(counted);
}
