import { Inject, Injectable, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { HoldfastModule, ReliableConsumer } from 'holdfast';
import { IN_FLIGHT, waitForever, type HoldingConsumer, type HoldingRun } from '../memory/holding';
import { CONSUMER } from './app';

const RUN = 'run';

@Injectable()
class Orders {
  constructor(@Inject(RUN) private readonly run: HoldingRun) {}

  @ReliableConsumer({
    ...CONSUMER,
    idempotency: 'off',
    concurrency: IN_FLIGHT,
    prefetch: IN_FLIGHT,
    timeout: '10m',
  })
  async onOrder(order: unknown): Promise<void> {
    this.run.holds(order);
    await waitForever();
  }
}

export const holdHoldfast: HoldingConsumer = {
  async start(run) {
    @Module({ providers: [{ provide: RUN, useValue: run }], exports: [RUN] })
    class Running {}
    const app = await NestFactory.create(
      HoldfastModule.forRoot({
        handlers: [Orders],
        imports: [Running],
        environment: { RABBITMQ_URL: run.amqpUrl, DATABASE_URL: run.databaseUrl, PORT: '0' },
        requireAllHandlers: false,
      }),
      { logger: ['error', 'warn'], abortOnError: false },
    );
    await app.init();
  },
};
