import { Injectable } from '@nestjs/common';
import { type MessageContext, ReliableConsumer } from '../../index'; // in a project of your own: from 'holdfast'
import { OrderCreated } from './order';

@Injectable()
export class OrderHandlers {
  @ReliableConsumer({
    queue: 'orders',
    bindings: [{ exchange: 'shop', routingKey: 'order.created' }],
    schema: OrderCreated,
    retry: { delays: ['1s', '5s', '10s'] },
  })
  async onOrderCreated(order: OrderCreated, ctx: MessageContext): Promise<void> {
    // A bug on purpose: it fails at every try and ends in `orders.dlq`, with reason, stack and the original bytes.
    if (order.note === 'bug') (JSON.parse('null') as OrderCreated).id.trim();

    // Commits together with the note that this message was handled: exactly once, whatever is redelivered.
    await ctx.tx.query('insert into shop_example.orders (order_id, customer, amount) values ($1, $2, $3)', [
      order.id,
      order.customer,
      order.amount,
    ]);
    // Leaves after the commit, and never without it.
    await ctx.publish(
      'shop',
      'order.accepted',
      { id: order.id, amount: order.amount },
      { type: order.delivery },
    );
  }
}
