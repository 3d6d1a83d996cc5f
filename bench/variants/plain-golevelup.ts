import { Injectable, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { RabbitMQModule, RabbitSubscribe } from '@golevelup/nestjs-rabbitmq';
import { Tally } from '../tally';
import { PREFETCH, QUEUE, type BenchMessage, type Variant } from '../variant';

@Injectable()
class Orders {
  constructor(private readonly tally: Tally) {}

  @RabbitSubscribe({ queue: QUEUE, createQueueIfNotExists: false })
  async onOrder(order: BenchMessage): Promise<void> {
    this.tally.handling(order.sequence);
    this.tally.settled();
  }
}

/** golevelup's `@RabbitSubscribe` in a Nest application. */
export const plainGolevelup: Variant = {
  async start({ amqpUrl, tally }) {
    @Module({
      imports: [RabbitMQModule.forRoot({ uri: amqpUrl, prefetchCount: PREFETCH })],
      providers: [Orders, { provide: Tally, useValue: tally }],
    })
    class App {}
    const app = await NestFactory.createApplicationContext(App, { logger: ['error'] });
    return () => app.close();
  },
};
