import { Injectable } from '@nestjs/common';
import { ReliableConsumer, type MessageContext } from 'holdfast';
import { CONSUMER, startHoldfast } from '../holdfast-app';
import { Tally } from '../tally';
import { BenchOrder, orderOf } from '../textbook';
import type { BenchMessage, Variant } from '../variant';

const INSERT = 'insert into bench_order (message_id, sequence, customer, cents) values ($1, $2, $3, $4)';

const valuesOf = (id: string, { sequence, customer, cents }: BenchMessage): unknown[] => [
  id,
  sequence,
  customer,
  cents,
];

@Injectable()
class QueryOrders {
  constructor(private readonly tally: Tally) {}

  @ReliableConsumer(CONSUMER)
  async onOrder(order: BenchMessage, ctx: MessageContext): Promise<void> {
    this.tally.handling(order.sequence);
    await ctx.tx.query(INSERT, valuesOf(ctx.id, order));
  }
}

@Injectable()
class EntityOrders {
  constructor(private readonly tally: Tally) {}

  @ReliableConsumer(CONSUMER)
  async onOrder(order: BenchMessage, ctx: MessageContext): Promise<void> {
    this.tally.handling(order.sequence);
    await ctx.tx.insert(BenchOrder, orderOf(ctx.id, order));
  }
}

@Injectable()
class SqlOrders {
  constructor(private readonly tally: Tally) {}

  @ReliableConsumer(CONSUMER)
  async onOrder(order: BenchMessage, ctx: MessageContext): Promise<void> {
    this.tally.handling(order.sequence);
    await ctx.sql.query(INSERT, valuesOf(ctx.id, order));
  }
}

/** Holdfast, transactional: the business insert as SQL through TypeORM's EntityManager. */
export const holdfastTxQuery: Variant = { start: (run) => startHoldfast(QueryOrders, run) };

/** The same by an entity, as the textbook inserts it. */
export const holdfastTxInsert: Variant = { start: (run) => startHoldfast(EntityOrders, run, [BenchOrder]) };

/** The same without TypeORM. */
export const holdfastSql: Variant = { start: (run) => startHoldfast(SqlOrders, run) };
