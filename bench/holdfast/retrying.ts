import { Injectable } from '@nestjs/common';
import { ReliableConsumer, type MessageContext } from 'holdfast';
import type { Consumer } from '../measuring/consumer';
import type { BenchMessage } from '../measuring/order';
import { Tally } from '../measuring/tally';
import { CONSUMER, startHoldfast } from './app';
import { INSERT, valuesOf } from './orders';

const RETRYING = { ...CONSUMER, retry: { delays: ['1s'] } } as const;

@Injectable()
class PlainOrders {
  constructor(private readonly tally: Tally) {}

  @ReliableConsumer({ ...RETRYING, idempotency: 'off' })
  async onOrder(order: BenchMessage): Promise<void> {
    if (this.tally.handling(order)) throw new Error('the first try fails');
  }
}

@Injectable()
class InboxOrders {
  constructor(private readonly tally: Tally) {}

  @ReliableConsumer(RETRYING)
  async onOrder(order: BenchMessage, ctx: MessageContext): Promise<void> {
    if (this.tally.handling(order)) throw new Error('the first try fails');
    await ctx.sql.query(INSERT, valuesOf(ctx.id, order));
  }
}

/** One retry after a second, at least once. */
export const retryOff: Consumer = { start: (run) => startHoldfast(PlainOrders, run) };

/** The same with the inbox and one effect. */
export const retryTransactional: Consumer = { start: (run) => startHoldfast(InboxOrders, run) };
