import { Module, type Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { EventBus, HoldfastModule, type ConsumerOptions } from 'holdfast';
import { Tally } from './tally';
import { POOL_SIZE, PREFETCH, QUEUE, type VariantRun } from './variant';

/** What all Holdfast variants say of their consumer; the queue is there already, as for the others. */
export const CONSUMER = {
  queue: QUEUE,
  declare: false,
  concurrency: PREFETCH,
  prefetch: PREFETCH,
} satisfies ConsumerOptions;

/** An application with this one handler class, as an adopter writes it. */
export async function startHoldfast(
  handler: Type,
  { amqpUrl, databaseUrl, tally }: VariantRun,
  entities: Type<object>[] = [],
): Promise<() => Promise<void>> {
  @Module({ providers: [{ provide: Tally, useValue: tally }], exports: [Tally] })
  class Counting {}
  const environment = {
    RABBITMQ_URL: amqpUrl,
    DATABASE_URL: databaseUrl,
    HOLDFAST_DATABASE_POOL: String(POOL_SIZE),
    PORT: '0',
  };
  const app = await NestFactory.create(
    HoldfastModule.forRoot({
      handlers: [handler],
      imports: [Counting],
      entities,
      environment,
      requireAllHandlers: false,
    }),
    { logger: ['error', 'warn'], abortOnError: false },
  );
  app.get(EventBus).on('message.settled', ({ outcome, acknowledged }) => {
    if (outcome.kind === 'completed' && acknowledged) tally.settled();
    else throw new Error(`a message was settled as ${outcome.kind}`);
  });
  await app.init();
  return () => app.close();
}
