import { Controller, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import {
  Ctx,
  EventPattern,
  Payload,
  RmqContext,
  Transport,
  type MicroserviceOptions,
} from '@nestjs/microservices';
import type { Channel, Message } from 'amqplib';
import type { Consumer } from '../measuring/consumer';
import { PREFETCH, QUEUE, type BenchMessage } from '../measuring/order';
import { Tally } from '../measuring/tally';

const PATTERN = 'order';

@Controller()
class Orders {
  constructor(private readonly tally: Tally) {}

  @EventPattern(PATTERN)
  async onOrder(@Payload() order: BenchMessage, @Ctx() context: RmqContext): Promise<void> {
    this.tally.handling(order);
    (context.getChannelRef() as Channel).ack(context.getMessage() as Message);
    this.tally.settled(order);
  }
}

/** Nest's own RMQ transporter with manual acknowledgements, for messages that no Nest application sent. */
export const plainNestRmq: Consumer = {
  async start({ amqpUrl, tally }) {
    @Module({ controllers: [Orders], providers: [{ provide: Tally, useValue: tally }] })
    class App {}
    const app = await NestFactory.createMicroservice<MicroserviceOptions>(App, {
      logger: ['error'],
      transport: Transport.RMQ,
      options: {
        urls: [amqpUrl],
        queue: QUEUE,
        noAssert: true,
        noAck: false,
        prefetchCount: PREFETCH,
        deserializer: { deserialize: (data: unknown) => ({ pattern: PATTERN, data }) },
      },
    });
    await app.listen();
    return () => app.close();
  },
};
