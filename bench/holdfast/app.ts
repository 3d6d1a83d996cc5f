import { Module, type Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { EventBus, HoldfastModule, type ConsumerOptions, type HoldfastEvents } from 'holdfast';
import type { ConsumerRun } from '../measuring/consumer';
import { POOL_SIZE, PREFETCH, QUEUE, type BenchMessage } from '../measuring/order';
import { Tally } from '../measuring/tally';

/** What all Holdfast variants say of their consumer; the queue is there already, as for the others. */
export const CONSUMER = {
  queue: QUEUE,
  declare: false,
  concurrency: PREFETCH,
  prefetch: PREFETCH,
} satisfies ConsumerOptions;

interface Application {
  readonly entities?: Type<object>[];
  /** Whether messages tell when they were published. */
  readonly isTimed?: boolean;
}

/** An application with this one handler class, as an adopter writes it. */
export async function startHoldfast(
  handler: Type,
  { amqpUrl, databaseUrl, tally }: ConsumerRun,
  { entities = [], isTimed = false }: Application = {},
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
  app.get(EventBus).on('message.settled', (event) => tell(tally, event, isTimed));
  await app.init();
  return () => app.close();
}

function tell(
  tally: Tally,
  { outcome, acknowledged, delivery }: HoldfastEvents['message.settled'],
  isTimed: boolean,
): void {
  const { kind } = outcome;
  if (!acknowledged) tally.broken(`a message that was ${kind} was not acknowledged`);
  else if (kind === 'completed' || kind === 'duplicate')
    tally.settled(isTimed ? (JSON.parse(delivery.body.toString()) as BenchMessage) : undefined);
  else if (kind === 'retry') tally.failed();
  // A twin that is being handled elsewhere: a copy comes later.
  else if (kind !== 'defer') tally.broken(`a message was settled as ${kind}`);
}
