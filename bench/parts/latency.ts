import type { ConsumerVariant } from '../measuring/consumer';
import { LATENCY, latencyOf, PER_SECOND } from '../measuring/latency';
import type { Part } from '../part';

const NAME = 'latency';
const MESSAGES = { full: PER_SECOND * 8, quick: PER_SECOND * 3 };

export const latency: Part<ConsumerVariant> = {
  name: NAME,
  title: `Latency at ${PER_SECOND} messages a second`,
  about:
    'From just before the publication to the acknowledgement, each message in the inbox and with one business insert; without the first fifth of them.',
  measures: LATENCY,
  baseline: 'hand-written',
  rounds: { full: 3, quick: 1 },
  variants: [
    {
      name: 'textbook',
      label: 'textbook TypeORM on amqplib',
      messages: MESSAGES,
      load: async () => (await import('../peers/textbook-amqplib')).textbookAmqplib,
    },
    {
      name: 'hand-written',
      label: 'hand-written pg, one transaction',
      messages: MESSAGES,
      load: async () => (await import('../peers/hand-written')).handWritten,
    },
    {
      name: 'holdfast-tx-query',
      label: 'Holdfast, `ctx.tx.query(…)`',
      isHoldfast: true,
      messages: MESSAGES,
      load: async () => (await import('../holdfast/transactional')).timedTxQuery,
    },
    {
      name: 'holdfast-sql',
      label: 'Holdfast, `ctx.sql.query(…)`',
      isHoldfast: true,
      messages: MESSAGES,
      load: async () => (await import('../holdfast/transactional')).timedSql,
    },
    {
      name: 'holdfast-shared-sql',
      label: 'Holdfast, shared commit, `ctx.sql.query(…)`',
      isHoldfast: true,
      messages: MESSAGES,
      load: async () => (await import('../holdfast/grouped')).timedSharedSql,
    },
  ],
  targets: [{ variant: 'holdfast-sql', against: 'hand-written', measure: 'p99', atMost: 1.2 }],
  measure: (variant, stage) => latencyOf(NAME, variant, stage),
};
