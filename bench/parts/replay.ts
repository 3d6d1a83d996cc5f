import type { ConsumerVariant } from '../measuring/consumer';
import { THROUGHPUT } from '../measuring/consumption';
import { replayOf } from '../measuring/replay';
import type { Part } from '../part';

const NAME = 'replay';

export const replay: Part<ConsumerVariant> = {
  name: NAME,
  title: 'Replay: dead letters moved back until every effect is committed',
  about:
    'A mover, the same for all, republishes the letters with confirm while the consumer works; from the first fifth of them to the last acknowledgement.',
  measures: THROUGHPUT,
  baseline: 'textbook-golevelup',
  rounds: { full: 3, quick: 1 },
  variants: [
    {
      name: 'textbook-golevelup',
      label: 'textbook TypeORM in `@RabbitSubscribe`',
      messages: { full: 4_000, quick: 1_000 },
      load: async () => (await import('../peers/textbook-golevelup')).textbookGolevelup,
    },
    {
      name: 'holdfast-tx-query',
      label: 'Holdfast, `ctx.tx.query(…)`',
      isHoldfast: true,
      messages: { full: 10_000, quick: 2_000 },
      load: async () => (await import('../holdfast/transactional')).holdfastTxQuery,
    },
    {
      name: 'holdfast-sql',
      label: 'Holdfast, `ctx.sql.query(…)`',
      isHoldfast: true,
      messages: { full: 10_000, quick: 2_000 },
      load: async () => (await import('../holdfast/transactional')).holdfastSql,
    },
  ],
  targets: [],
  measure: (variant, stage) => replayOf(NAME, variant, stage),
};
