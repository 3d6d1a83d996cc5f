import { Injectable } from '@nestjs/common';
import { ReliableBatchConsumer, ReliableConsumer, type BatchContext, type MessageContext } from 'holdfast';
import { CONSUMER, startHoldfast } from './app';
import { INSERT, valuesOf } from './orders';
import type { Consumer } from '../measuring/consumer';
import type { BenchMessage } from '../measuring/order';
import { Tally } from '../measuring/tally';

/** Two groups at once within the prefetch of all: one waits for its commit while the next is filled. */
const SHARED = { ...CONSUMER, commit: 'shared' } as const;
const { concurrency: _concurrency, ...QUEUE_ONLY } = CONSUMER;
const INSERT_MANY = `insert into bench_order (message_id, sequence, customer, cents)
select * from unnest($1::text[], $2::int[], $3::text[], $4::int[])`;

@Injectable()
class SharedQueryOrders {
  constructor(private readonly tally: Tally) {}

  @ReliableConsumer(SHARED)
  async onOrder(order: BenchMessage, ctx: MessageContext): Promise<void> {
    this.tally.handling(order);
    await ctx.tx.query(INSERT, valuesOf(ctx.id, order));
  }
}

@Injectable()
class SharedSqlOrders {
  constructor(private readonly tally: Tally) {}

  @ReliableConsumer(SHARED)
  async onOrder(order: BenchMessage, ctx: MessageContext): Promise<void> {
    this.tally.handling(order);
    await ctx.sql.query(INSERT, valuesOf(ctx.id, order));
  }
}

@Injectable()
class BatchOrders {
  constructor(private readonly tally: Tally) {}

  @ReliableBatchConsumer({ ...QUEUE_ONLY, batchSize: 100 })
  async onOrders(orders: BenchMessage[], ctx: BatchContext): Promise<void> {
    for (const order of orders) this.tally.handling(order);
    await ctx.sql.query(INSERT_MANY, [
      ctx.messages.map(({ id }) => id),
      orders.map(({ sequence }) => sequence),
      orders.map(({ customer }) => customer),
      orders.map(({ cents }) => cents),
    ]);
  }
}

/** Up to a hundred waiting messages in one transaction, one handler call each. */
export const sharedTxQuery: Consumer = { start: (run) => startHoldfast(SharedQueryOrders, run) };
export const sharedSql: Consumer = { start: (run) => startHoldfast(SharedSqlOrders, run) };
export const timedSharedSql: Consumer = {
  start: (run) => startHoldfast(SharedSqlOrders, run, { isTimed: true }),
};

/** A hundred messages in one call. */
export const batch: Consumer = { start: (run) => startHoldfast(BatchOrders, run) };
