import { Injectable } from '@nestjs/common';
import { ReliableConsumer, type MessageContext } from 'holdfast';
import { CONSUMER, startHoldfast } from '../holdfast-app';
import { Tally } from '../tally';
import type { BenchMessage, Variant } from '../variant';

@Injectable()
class Orders {
  constructor(private readonly tally: Tally) {}

  /** Its effect is outside the database: the tally, which counts every run and refuses one without a fencing token. */
  @ReliableConsumer({ ...CONSUMER, idempotency: 'lease' })
  async onOrder(order: BenchMessage, ctx: MessageContext): Promise<void> {
    if (ctx.fencingToken < 1) throw new Error(`message ${ctx.id} runs without a claim`);
    this.tally.handling(order.sequence);
  }
}

/** Holdfast under a lease: a claim before each run of the handler, a completion after it. */
export const holdfastLease: Variant = { start: (run) => startHoldfast(Orders, run) };
