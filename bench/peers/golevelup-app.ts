import { Module, type Provider, type Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { RabbitMQModule, type RabbitMQConfig } from '@golevelup/nestjs-rabbitmq';
import { PREFETCH } from '../measuring/order';
import { Tally } from '../measuring/tally';
import type { ConsumerRun } from '../measuring/consumer';

/** A Nest application with this one handler class, as golevelup's readers write it. */
export async function startGolevelup(
  handler: Type,
  { amqpUrl, tally }: ConsumerRun,
  {
    providers = [],
    config = {},
  }: { readonly providers?: readonly Provider[]; readonly config?: Partial<RabbitMQConfig> } = {},
): Promise<() => Promise<void>> {
  @Module({
    imports: [RabbitMQModule.forRoot({ uri: amqpUrl, prefetchCount: PREFETCH, ...config })],
    providers: [handler, { provide: Tally, useValue: tally }, ...providers],
  })
  class App {}
  const app = await NestFactory.createApplicationContext(App, { logger: ['error'] });
  return () => app.close();
}
