import { Injectable } from '@nestjs/common';
import { RabbitSubscribe } from '@golevelup/nestjs-rabbitmq';
import type { Consumer } from '../measuring/consumer';
import { QUEUE, type BenchMessage } from '../measuring/order';
import { Tally } from '../measuring/tally';
import { startGolevelup } from './golevelup-app';

@Injectable()
class Orders {
  constructor(private readonly tally: Tally) {}

  @RabbitSubscribe({ queue: QUEUE, createQueueIfNotExists: false })
  async onOrder(order: BenchMessage): Promise<void> {
    this.tally.handling(order);
    this.tally.settled(order);
  }
}

/** golevelup's `@RabbitSubscribe` in a Nest application. */
export const plainGolevelup: Consumer = { start: (run) => startGolevelup(Orders, run) };
