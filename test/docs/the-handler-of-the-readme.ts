import { Injectable } from '@nestjs/common';
import { type MessageContext, ReliableConsumer } from 'holdfast';

@Injectable()
export class OrderHandlers {
  @ReliableConsumer({ queue: 'orders', bindings: [{ exchange: 'shop', routingKey: 'order.created' }] })
  async onOrderCreated(order: { id: string; amount: number }, ctx: MessageContext) {
    await ctx.tx.query('insert into orders (id, amount) values ($1, $2)', [order.id, order.amount]);
    await ctx.publish('shop', 'order.accepted', { id: order.id });
  }
}
