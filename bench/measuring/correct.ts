import { QUEUE } from './order';
import type { Counted } from './tally';
import { countEffects } from '../stage/tables';
import type { Stage } from '../stage/stage';

export interface Correct {
  readonly messages: number;
  /** Handled again, where that is part of the measurement; undefined: as it comes, only effects count. */
  readonly repeated: number | undefined;
  /** Whether each message leaves one row behind. */
  readonly writes: boolean;
}

/** @throws Error naming everything that is missing, double or left. */
export async function proveCorrect(
  { distinct, repeated }: Counted,
  expected: Correct,
  { queue, databaseUrl }: Stage,
): Promise<void> {
  const { messages } = expected;
  const wrong: string[] = [];
  if (distinct !== messages) wrong.push(`${distinct} of ${messages} messages were handled`);
  if (expected.repeated !== undefined && repeated !== expected.repeated)
    wrong.push(`${repeated} were handled again, not ${expected.repeated}`);
  if (expected.writes) {
    const { effects, messages: affected } = await countEffects(databaseUrl);
    if (effects !== messages || affected !== messages)
      wrong.push(`${effects} effects of ${affected} messages are in the table, not ${messages}`);
  }
  // A closed connection gives back what it had not acknowledged: anything unsettled shows here.
  const left = await queue.left(QUEUE);
  if (left > 0) wrong.push(`${left} messages are still in the queue`);
  if (wrong.length > 0) throw new Error(`the run was not correct: ${wrong.join('; ')}`);
}
