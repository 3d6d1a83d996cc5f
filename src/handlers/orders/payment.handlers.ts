import { Injectable } from '@nestjs/common';
import { exponential, type MessageContext, ReliableConsumer } from '../../index';
import { OrderAccepted } from './order';
import { PaymentGateway } from './payment.gateway';

@Injectable()
export class PaymentHandlers {
  constructor(private readonly gateway: PaymentGateway) {}

  @ReliableConsumer({
    queue: 'payments',
    bindings: [{ exchange: 'shop', routingKey: 'order.accepted' }],
    schema: OrderAccepted,
    retry: exponential({ attempts: 8, initial: '1s', max: '10s', jitter: 0.3 }),
    timeout: '5s',
  })
  async onOrderAccepted(order: OrderAccepted, ctx: MessageContext): Promise<void> {
    await this.gateway.charge(order, ctx.id, ctx.signal);
    await ctx.tx.query('insert into shop_example.payments (order_id, amount) values ($1, $2)', [
      order.id,
      order.amount,
    ]);
  }
}
