import { consumption } from '../measuring/consumption';
import { barPicture } from '../report/bars';

const SLOW = { full: 3_000, quick: 1_500 };
const MEDIUM = { full: 8_000, quick: 3_000 };
const FAST = { full: 45_000, quick: 15_000 };

export const idempotent = consumption({
  name: 'idempotent',
  title: 'Idempotent consumption: the inbox and one business insert per message',
  about:
    'As many messages a run as take some two to three seconds; from the first fifth of them to the last acknowledgement.',
  baseline: 'textbook',
  rounds: { full: 3, quick: 2 },
  writes: true,
  picture: barPicture,
  variants: [
    {
      name: 'textbook',
      label: 'textbook TypeORM on amqplib',
      messages: SLOW,
      load: async () => (await import('../peers/textbook-amqplib')).textbookAmqplib,
    },
    {
      name: 'textbook-golevelup',
      label: 'textbook TypeORM in `@RabbitSubscribe`',
      messages: SLOW,
      load: async () => (await import('../peers/textbook-golevelup')).textbookGolevelup,
    },
    {
      name: 'pg-transactional-outbox',
      label: 'pg-transactional-outbox, its inbox polled',
      messages: { full: 1_500, quick: 600 },
      load: async () => (await import('../peers/pg-transactional-outbox')).pgTransactionalOutbox,
    },
    {
      name: 'hand-written',
      label: 'hand-written pg, one transaction',
      messages: MEDIUM,
      load: async () => (await import('../peers/hand-written')).handWritten,
    },
    {
      name: 'hand-written-batch',
      label: 'hand-written pg, batches of 100',
      messages: FAST,
      load: async () => (await import('../peers/hand-written-batch')).handWrittenBatch,
    },
    {
      name: 'holdfast-tx-insert',
      label: 'Holdfast, `ctx.tx.insert(Entity, …)`',
      isHoldfast: true,
      messages: MEDIUM,
      load: async () => (await import('../holdfast/transactional')).holdfastTxInsert,
    },
    {
      name: 'holdfast-tx-query',
      label: 'Holdfast, `ctx.tx.query(…)`',
      isHoldfast: true,
      messages: MEDIUM,
      load: async () => (await import('../holdfast/transactional')).holdfastTxQuery,
    },
    {
      name: 'holdfast-sql',
      label: 'Holdfast, `ctx.sql.query(…)`',
      isHoldfast: true,
      messages: MEDIUM,
      load: async () => (await import('../holdfast/transactional')).holdfastSql,
    },
    {
      name: 'holdfast-shared-tx',
      label: 'Holdfast, shared commit, `ctx.tx.query(…)`',
      isHoldfast: true,
      messages: { full: 30_000, quick: 8_000 },
      load: async () => (await import('../holdfast/grouped')).sharedTxQuery,
    },
    {
      name: 'holdfast-shared-sql',
      label: 'Holdfast, shared commit, `ctx.sql.query(…)`',
      isHoldfast: true,
      messages: FAST,
      load: async () => (await import('../holdfast/grouped')).sharedSql,
    },
    {
      name: 'holdfast-batch',
      label: 'Holdfast, `@ReliableBatchConsumer` of 100',
      isHoldfast: true,
      messages: FAST,
      load: async () => (await import('../holdfast/grouped')).batch,
    },
    {
      name: 'holdfast-lease',
      label: "Holdfast, `idempotency: 'lease'`, the effect elsewhere",
      isHoldfast: true,
      messages: { full: 30_000, quick: 8_000 },
      effectElsewhere: true,
      load: async () => (await import('../holdfast/lease')).lease,
    },
  ],
  targets: [
    { variant: 'holdfast-tx-query', against: 'textbook', atLeast: 2.5 },
    { variant: 'holdfast-sql', against: 'textbook', atLeast: 3.5 },
    { variant: 'holdfast-shared-tx', against: 'textbook', atLeast: 7 },
    { variant: 'holdfast-shared-sql', against: 'textbook', atLeast: 17 },
    { variant: 'holdfast-batch', against: 'hand-written-batch', atLeast: 0.85 },
    { variant: 'holdfast-lease', against: 'textbook', atLeast: 8 },
  ],
});
