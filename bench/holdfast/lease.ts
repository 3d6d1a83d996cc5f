import { Injectable } from '@nestjs/common';
import { ReliableConsumer } from 'holdfast';
import type { Consumer } from '../measuring/consumer';
import type { BenchMessage } from '../measuring/order';
import { Tally } from '../measuring/tally';
import { CONSUMER, startHoldfast } from './app';

@Injectable()
class LeaseOrders {
  constructor(private readonly tally: Tally) {}

  /** The effect is outside the database: counting is all there is of it. */
  @ReliableConsumer({ ...CONSUMER, idempotency: 'lease' })
  async onOrder(order: BenchMessage): Promise<void> {
    this.tally.handling(order);
  }
}

/** Claimed, handled, completed; for effects that no transaction covers. */
export const lease: Consumer = { start: (run) => startHoldfast(LeaseOrders, run) };
