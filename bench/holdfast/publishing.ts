import { Injectable } from '@nestjs/common';
import { ReliableConsumer, type MessageContext } from 'holdfast';
import type { Consumer } from '../measuring/consumer';
import type { BenchMessage } from '../measuring/order';
import { Tally } from '../measuring/tally';
import { DOWNSTREAM } from '../stage/bench-queue';
import { CONSUMER, startHoldfast } from './app';
import { INSERT, valuesOf } from './orders';

@Injectable()
class Orders {
  constructor(private readonly tally: Tally) {}

  @ReliableConsumer(CONSUMER)
  async onOrder(order: BenchMessage, ctx: MessageContext): Promise<void> {
    this.tally.handling(order);
    await ctx.sql.query(INSERT, valuesOf(ctx.id, order));
    await ctx.publish('', DOWNSTREAM, order);
  }
}

/** `ctx.publish` in a transactional handler: written with the effect, sent after the commit. */
export const publishingHoldfast: Consumer = { start: (run) => startHoldfast(Orders, run) };
