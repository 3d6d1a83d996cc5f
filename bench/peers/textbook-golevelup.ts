import { Injectable } from '@nestjs/common';
import { RabbitSubscribe } from '@golevelup/nestjs-rabbitmq';
import type { ConsumeMessage } from 'amqplib';
import type { Consumer } from '../measuring/consumer';
import { QUEUE, type BenchMessage } from '../measuring/order';
import { Tally } from '../measuring/tally';
import { startGolevelup } from './golevelup-app';
import { Textbook } from './textbook';

@Injectable()
class Orders {
  constructor(
    private readonly tally: Tally,
    private readonly textbook: Textbook,
  ) {}

  @RabbitSubscribe({ queue: QUEUE, createQueueIfNotExists: false })
  async onOrder(order: BenchMessage, { properties }: ConsumeMessage): Promise<void> {
    this.tally.handling(order);
    await this.textbook.handle(String(properties.messageId), order);
    this.tally.settled(order);
  }
}

/** The textbook in a handler of golevelup's. What fails is given back: two twins at once do. */
export const textbookGolevelup: Consumer = {
  async start(run) {
    const textbook = new Textbook(run.databaseUrl);
    await textbook.open();
    const stop = await startGolevelup(Orders, run, {
      providers: [{ provide: Textbook, useValue: textbook }],
    });
    return async () => {
      await stop();
      await textbook.close();
    };
  },
};
