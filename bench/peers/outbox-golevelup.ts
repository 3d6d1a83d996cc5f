import { Injectable } from '@nestjs/common';
import { AmqpConnection, RabbitSubscribe } from '@golevelup/nestjs-rabbitmq';
import type { ConsumeMessage } from 'amqplib';
import type { Consumer } from '../measuring/consumer';
import { QUEUE, type BenchMessage } from '../measuring/order';
import { Tally } from '../measuring/tally';
import { DOWNSTREAM } from '../stage/bench-queue';
import { startGolevelup } from './golevelup-app';
import { Textbook } from './textbook';

@Injectable()
class Orders {
  constructor(
    private readonly tally: Tally,
    private readonly textbook: Textbook,
    private readonly amqp: AmqpConnection,
  ) {}

  @RabbitSubscribe({ queue: QUEUE, createQueueIfNotExists: false })
  async onOrder(order: BenchMessage, { properties }: ConsumeMessage): Promise<void> {
    this.tally.handling(order);
    const messageId = String(properties.messageId);
    await this.textbook.handle(messageId, order);
    await this.amqp.publish('', DOWNSTREAM, order, { persistent: true, messageId });
    this.tally.settled(order);
  }
}

/**
 * The textbook, then a publication with confirm from the handler. Not safe: a process that dies between the commit and the publication
 * leaves a message that nobody sends, because its redelivery is a duplicate.
 */
export const outboxGolevelup: Consumer = {
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
