import { Inject } from '@nestjs/common';
import { MessageMiddleware, type MiddlewareContext, type Next, type Sql } from '../../index';

/** Without unique keys on purpose: here a second effect would show. */
const TABLES = `
  select pg_advisory_xact_lock(5071);
  create schema if not exists shop_example;
  create table if not exists shop_example.orders
    (order_id text not null, customer text not null, amount integer not null, at timestamptz not null default now());
  create table if not exists shop_example.payments
    (order_id text not null, amount integer not null, at timestamptz not null default now());
  create table if not exists shop_example.shipments
    (order_id text not null, carrier text not null, at timestamptz not null default now())`;

/** Makes the tables before the first message. Your own application has migrations instead. */
@MessageMiddleware({ order: 350, queues: ['orders', 'payments', 'shipping'] })
export class ShopTables {
  private made: Promise<unknown> | undefined;

  constructor(@Inject('shop database') private readonly database: Sql) {}

  async use(_context: MiddlewareContext, next: Next): Promise<void> {
    try {
      await (this.made ??= this.database.query(TABLES));
    } catch (error) {
      this.made = undefined;
      throw error;
    }
    await next();
  }
}
