import { Injectable } from '@nestjs/common';
import { ReliableConsumer, type MessageContext } from 'holdfast';
import type { BenchMessage } from '../measuring/order';
import { CONSUMER } from './app';
import { INSERT, valuesOf } from './orders';

/** The handler of the service that has nothing to do. */
@Injectable()
export class IdleOrders {
  @ReliableConsumer(CONSUMER)
  async onOrder(order: BenchMessage, ctx: MessageContext): Promise<void> {
    await ctx.tx.query(INSERT, valuesOf(ctx.id, order));
  }
}
