import { Injectable } from '@nestjs/common';
import { ReliableConsumer } from 'holdfast';
import { CONSUMER, startHoldfast } from '../holdfast-app';
import { Tally } from '../tally';
import type { BenchMessage, Variant } from '../variant';

@Injectable()
class Orders {
  constructor(private readonly tally: Tally) {}

  @ReliableConsumer({ ...CONSUMER, idempotency: 'off' })
  async onOrder(order: BenchMessage): Promise<void> {
    this.tally.handling(order.sequence);
  }
}

/** Holdfast without idempotency. */
export const plainHoldfast: Variant = { start: (run) => startHoldfast(Orders, run) };
