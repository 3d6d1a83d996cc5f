import { consumption } from '../measuring/consumption';

const SLOW = { full: 2_500, quick: 800 };
const MEDIUM = { full: 8_000, quick: 1_500 };
const FAST = { full: 30_000, quick: 8_000 };

export const duplicates = consumption({
  name: 'duplicates',
  title: 'Half of the deliveries are duplicates',
  about:
    'Every message lies in the queue twice, in one random order for all; deliveries a second, from the first fifth of them to the last acknowledgement. Each message takes effect once.',
  baseline: 'textbook',
  rounds: { full: 3, quick: 2 },
  writes: true,
  twice: true,
  variants: [
    {
      name: 'textbook',
      label: 'textbook TypeORM on amqplib',
      messages: SLOW,
      load: async () => (await import('../peers/textbook-amqplib')).textbookAmqplib,
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
      name: 'holdfast-shared-sql',
      label: 'Holdfast, shared commit, `ctx.sql.query(…)`',
      isHoldfast: true,
      messages: { full: 20_000, quick: 5_000 },
      load: async () => (await import('../holdfast/grouped')).sharedSql,
    },
    {
      name: 'holdfast-batch',
      label: 'Holdfast, `@ReliableBatchConsumer` of 100',
      isHoldfast: true,
      messages: FAST,
      load: async () => (await import('../holdfast/grouped')).batch,
    },
  ],
  targets: [],
});
