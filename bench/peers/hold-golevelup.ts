import { Inject, Injectable, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { RabbitMQModule, RabbitSubscribe } from '@golevelup/nestjs-rabbitmq';
import { IN_FLIGHT, waitForever, type HoldingConsumer, type HoldingRun } from '../memory/holding';
import { QUEUE } from '../measuring/order';

const RUN = 'run';

@Injectable()
class Orders {
  constructor(@Inject(RUN) private readonly run: HoldingRun) {}

  @RabbitSubscribe({ queue: QUEUE, createQueueIfNotExists: false })
  async onOrder(order: unknown): Promise<void> {
    this.run.holds(order);
    await waitForever();
  }
}

export const holdGolevelup: HoldingConsumer = {
  async start(run) {
    @Module({
      imports: [RabbitMQModule.forRoot({ uri: run.amqpUrl, prefetchCount: IN_FLIGHT })],
      providers: [Orders, { provide: RUN, useValue: run }],
    })
    class App {}
    await NestFactory.createApplicationContext(App, { logger: ['error'] });
  },
};
