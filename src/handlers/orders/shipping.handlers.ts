import { Injectable } from '@nestjs/common';
import { type MessageContext, ReliableConsumer } from '../../index';
import { OrderAccepted } from './order';

const BINDINGS = [{ exchange: 'shop', routingKey: 'order.accepted' }];

/** Two handlers of one queue, told apart by the AMQP property `type`. Any other type is a dead letter `no-handler`. */
@Injectable()
export class ShippingHandlers {
  @ReliableConsumer({ queue: 'shipping', bindings: BINDINGS, type: 'standard', schema: OrderAccepted })
  async byPost(order: OrderAccepted, ctx: MessageContext): Promise<void> {
    await this.ship(order, 'post', ctx);
  }

  @ReliableConsumer({ queue: 'shipping', type: 'express', schema: OrderAccepted })
  async byCourier(order: OrderAccepted, ctx: MessageContext): Promise<void> {
    await this.ship(order, 'courier', ctx);
  }

  private async ship(order: OrderAccepted, carrier: string, ctx: MessageContext): Promise<void> {
    await ctx.tx.query('insert into shop_example.shipments (order_id, carrier) values ($1, $2)', [
      order.id,
      carrier,
    ]);
    ctx.log.debug('shipped', { carrier });
  }
}
