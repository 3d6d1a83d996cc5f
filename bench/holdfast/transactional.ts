import { Injectable } from '@nestjs/common';
import { ReliableConsumer, type MessageContext } from 'holdfast';
import type { Consumer } from '../measuring/consumer';
import type { BenchMessage } from '../measuring/order';
import { Tally } from '../measuring/tally';
import { CONSUMER, startHoldfast } from './app';
import { BenchOrder, INSERT, valuesOf } from './orders';

@Injectable()
class QueryOrders {
  constructor(private readonly tally: Tally) {}

  @ReliableConsumer(CONSUMER)
  async onOrder(order: BenchMessage, ctx: MessageContext): Promise<void> {
    this.tally.handling(order);
    await ctx.tx.query(INSERT, valuesOf(ctx.id, order));
  }
}

@Injectable()
class EntityOrders {
  constructor(private readonly tally: Tally) {}

  @ReliableConsumer(CONSUMER)
  async onOrder(order: BenchMessage, ctx: MessageContext): Promise<void> {
    this.tally.handling(order);
    const { sequence, customer, cents } = order;
    await ctx.tx.insert(BenchOrder, { messageId: ctx.id, sequence, customer, cents });
  }
}

@Injectable()
class SqlOrders {
  constructor(private readonly tally: Tally) {}

  @ReliableConsumer(CONSUMER)
  async onOrder(order: BenchMessage, ctx: MessageContext): Promise<void> {
    this.tally.handling(order);
    await ctx.sql.query(INSERT, valuesOf(ctx.id, order));
  }
}

/** Holdfast, transactional: the business insert as SQL through TypeORM's EntityManager. */
export const holdfastTxQuery: Consumer = { start: (run) => startHoldfast(QueryOrders, run) };

/** The same by an entity, as the textbook inserts it. */
export const holdfastTxInsert: Consumer = {
  start: (run) => startHoldfast(EntityOrders, run, { entities: [BenchOrder] }),
};

/** The same without TypeORM. */
export const holdfastSql: Consumer = { start: (run) => startHoldfast(SqlOrders, run) };

/** As above, where messages tell when they were published. */
export const timedTxQuery: Consumer = { start: (run) => startHoldfast(QueryOrders, run, { isTimed: true }) };

export const timedSql: Consumer = { start: (run) => startHoldfast(SqlOrders, run, { isTimed: true }) };
