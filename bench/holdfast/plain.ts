import { Injectable } from '@nestjs/common';
import { ReliableConsumer } from 'holdfast';
import type { Consumer } from '../measuring/consumer';
import type { BenchMessage } from '../measuring/order';
import { Tally } from '../measuring/tally';
import { CONSUMER, startHoldfast } from './app';

@Injectable()
class Orders {
  constructor(private readonly tally: Tally) {}

  @ReliableConsumer({ ...CONSUMER, idempotency: 'off' })
  async onOrder(order: BenchMessage): Promise<void> {
    this.tally.handling(order);
  }
}

/** Holdfast without idempotency. */
export const plainHoldfast: Consumer = { start: (run) => startHoldfast(Orders, run) };
