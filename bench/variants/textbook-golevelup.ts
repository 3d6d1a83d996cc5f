import { Injectable, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { RabbitMQModule, RabbitSubscribe } from '@golevelup/nestjs-rabbitmq';
import type { ConsumeMessage } from 'amqplib';
import { Tally } from '../tally';
import { Textbook } from '../textbook';
import { PREFETCH, QUEUE, type BenchMessage, type Variant } from '../variant';

@Injectable()
class Orders {
  constructor(
    private readonly tally: Tally,
    private readonly textbook: Textbook,
  ) {}

  @RabbitSubscribe({ queue: QUEUE, createQueueIfNotExists: false })
  async onOrder(order: BenchMessage, { properties }: ConsumeMessage): Promise<void> {
    this.tally.handling(order.sequence);
    await this.textbook.handle(String(properties.messageId), order);
    this.tally.settled();
  }
}

/** The textbook in a handler of golevelup's. */
export const textbookGolevelup: Variant = {
  async start({ amqpUrl, databaseUrl, tally }) {
    const textbook = new Textbook(databaseUrl);
    await textbook.open();
    @Module({
      imports: [RabbitMQModule.forRoot({ uri: amqpUrl, prefetchCount: PREFETCH })],
      providers: [Orders, { provide: Tally, useValue: tally }, { provide: Textbook, useValue: textbook }],
    })
    class App {}
    const app = await NestFactory.createApplicationContext(App, { logger: ['error'] });
    return async () => {
      await app.close();
      await textbook.close();
    };
  },
};
