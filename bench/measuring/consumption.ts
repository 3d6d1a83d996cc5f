import type { Figures, Measure, Part } from '../part';
import { emptyTables } from '../stage/tables';
import type { Stage } from '../stage/stage';
import type { ConsumerVariant } from './consumer';
import { proveCorrect } from './correct';
import { consumeInChild } from './in-child';

/** A fifth of the messages of every run is not timed. */
export const WARM_UP_SHARE = 0.2;

export const THROUGHPUT = [
  { key: 'perSecond', label: 'messages/s', better: 'more' },
  { key: 'clientMicros', label: 'client CPU µs/message', better: 'less', digits: 1 },
] as const satisfies readonly Measure[];

type Described = Omit<Part<ConsumerVariant>, 'measures' | 'measure'>;

interface Consumption extends Described {
  /** Whether each message leaves one row behind. */
  readonly writes: boolean;
  /** Whether each message lies in the queue twice. */
  readonly twice?: boolean;
}

/** A part that fills a queue and measures how fast it is emptied. */
export function consumption({ writes, twice = false, ...part }: Consumption): Part<ConsumerVariant> {
  return {
    ...part,
    measures: THROUGHPUT,
    measure: (variant, stage) => consume({ part: part.name, variant, writes, twice }, stage),
  };
}

async function consume(
  {
    part,
    variant,
    writes,
    twice,
  }: { part: string; variant: ConsumerVariant; writes: boolean; twice: boolean },
  stage: Stage,
): Promise<Figures> {
  const messages = variant.messages[stage.mode];
  const deliveries = twice ? 2 * messages : messages;
  if (writes) await emptyTables(stage.databaseUrl);
  if (twice) await stage.queue.fillTwice(messages);
  else await stage.queue.fill(messages);
  const expected = { messages, deliveries, warmUp: Math.floor(deliveries * WARM_UP_SHARE) };
  const { counted } = await consumeInChild(
    { part, variant: variant.name, expected, waitsForParent: false },
    stage,
    () => Promise.resolve(),
  );
  await proveCorrect(
    counted,
    {
      messages,
      repeated: twice ? undefined : 0,
      writes: writes && variant.effectElsewhere !== true,
    },
    stage,
  );
  return throughputOf(counted);
}

export function throughputOf({
  timed,
  elapsedMs,
  cpuMs,
}: {
  readonly timed: number;
  readonly elapsedMs: number;
  readonly cpuMs: number;
}): Figures {
  return { perSecond: (timed / elapsedMs) * 1_000, clientMicros: (cpuMs / timed) * 1_000 };
}
