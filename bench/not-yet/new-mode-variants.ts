import type { ConsumerVariant } from '../measuring/consumer';
import { PER_SECOND } from '../measuring/latency';
import type { ByMode, Target } from '../part';

interface Addition {
  readonly variants: readonly ConsumerVariant[];
  readonly targets: readonly Target[];
}

const sharedTx = (messages: ByMode): ConsumerVariant => ({
  name: 'holdfast-shared-tx',
  label: 'Holdfast, shared commit, `ctx.tx.query(…)`',
  isHoldfast: true,
  messages,
  load: async () => (await import('./new-modes')).sharedTxQuery,
});

const sharedSql = (messages: ByMode): ConsumerVariant => ({
  name: 'holdfast-shared-sql',
  label: 'Holdfast, shared commit, `ctx.sql.query(…)`',
  isHoldfast: true,
  messages,
  load: async () => (await import('./new-modes')).sharedSql,
});

const batch = (messages: ByMode): ConsumerVariant => ({
  name: 'holdfast-batch',
  label: 'Holdfast, `@ReliableBatchConsumer` of 100',
  isHoldfast: true,
  messages,
  load: async () => (await import('./new-modes')).batch,
});

/** For parts/idempotent.ts. */
export const FOR_IDEMPOTENT: Addition = {
  variants: [
    sharedTx({ full: 30_000, quick: 8_000 }),
    sharedSql({ full: 45_000, quick: 15_000 }),
    batch({ full: 45_000, quick: 15_000 }),
    {
      name: 'holdfast-lease',
      label: "Holdfast, `idempotency: 'lease'`, the effect elsewhere",
      isHoldfast: true,
      messages: { full: 30_000, quick: 8_000 },
      effectElsewhere: true,
      load: async () => (await import('./new-modes')).lease,
    },
  ],
  targets: [
    { variant: 'holdfast-shared-tx', against: 'textbook', atLeast: 7 },
    { variant: 'holdfast-shared-sql', against: 'textbook', atLeast: 17 },
    { variant: 'holdfast-batch', against: 'hand-written-batch', atLeast: 0.85 },
    { variant: 'holdfast-lease', against: 'textbook', atLeast: 8 },
  ],
};

/** For parts/duplicates.ts. */
export const FOR_DUPLICATES: Addition = {
  variants: [sharedSql({ full: 20_000, quick: 5_000 }), batch({ full: 30_000, quick: 8_000 })],
  targets: [],
};

/** For parts/latency.ts. */
export const FOR_LATENCY: Addition = {
  variants: [
    {
      name: 'holdfast-shared-sql',
      label: 'Holdfast, shared commit, `ctx.sql.query(…)`',
      isHoldfast: true,
      messages: { full: PER_SECOND * 8, quick: PER_SECOND * 3 },
      load: async () => (await import('./new-modes')).timedSharedSql,
    },
  ],
  targets: [],
};
