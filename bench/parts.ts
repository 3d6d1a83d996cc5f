import type { Variant } from './variant';

export interface VariantPlan {
  readonly name: string;
  /** In words, for the table. */
  readonly label: string;
  readonly load: () => Promise<Variant>;
}

/** A ratio of medians that a part is to reach. */
export interface Target {
  readonly variant: string;
  readonly against: string;
  readonly atLeast: number;
}

export interface Part {
  readonly name: string;
  readonly title: string;
  /** Every ratio of the table is against this variant. */
  readonly baseline: string;
  readonly messages: { readonly full: number; readonly quick: number };
  readonly rounds: { readonly full: number; readonly quick: number };
  /** Whether each message leaves one row behind. */
  readonly writes: boolean;
  readonly variants: readonly VariantPlan[];
  readonly targets: readonly Target[];
}

export const PARTS: readonly Part[] = [
  {
    name: 'plain',
    title: 'Plain consumption: no database, the handler does nothing',
    baseline: 'golevelup',
    messages: { full: 60_000, quick: 20_000 },
    rounds: { full: 5, quick: 3 },
    writes: false,
    variants: [
      {
        name: 'amqplib',
        label: 'amqplib, one ack per message',
        load: async () => (await import('./variants/plain-amqplib')).plainAmqplib,
      },
      {
        name: 'golevelup',
        label: 'golevelup `@RabbitSubscribe`',
        load: async () => (await import('./variants/plain-golevelup')).plainGolevelup,
      },
      {
        name: 'holdfast',
        label: "Holdfast, `idempotency: 'off'`",
        load: async () => (await import('./variants/plain-holdfast')).plainHoldfast,
      },
    ],
    targets: [
      { variant: 'holdfast', against: 'golevelup', atLeast: 1.3 },
      { variant: 'holdfast', against: 'amqplib', atLeast: 1.2 },
    ],
  },
  {
    name: 'idempotent',
    title: 'Idempotent consumption: the inbox and one business insert per message',
    baseline: 'textbook',
    messages: { full: 15_000, quick: 3_000 },
    rounds: { full: 3, quick: 3 },
    writes: true,
    variants: [
      {
        name: 'textbook',
        label: 'textbook TypeORM on amqplib',
        load: async () => (await import('./variants/textbook-amqplib')).textbookAmqplib,
      },
      {
        name: 'textbook-golevelup',
        label: 'textbook TypeORM in `@RabbitSubscribe`',
        load: async () => (await import('./variants/textbook-golevelup')).textbookGolevelup,
      },
      {
        name: 'holdfast-tx-insert',
        label: 'Holdfast, `ctx.tx.insert(Entity, …)`',
        load: async () => (await import('./variants/transactional-holdfast')).holdfastTxInsert,
      },
      {
        name: 'holdfast-tx-query',
        label: 'Holdfast, `ctx.tx.query(…)`',
        load: async () => (await import('./variants/transactional-holdfast')).holdfastTxQuery,
      },
      {
        name: 'holdfast-sql',
        label: 'Holdfast, `ctx.sql.query(…)`',
        load: async () => (await import('./variants/transactional-holdfast')).holdfastSql,
      },
    ],
    targets: [{ variant: 'holdfast-tx-query', against: 'textbook', atLeast: 2.5 }],
  },
];
