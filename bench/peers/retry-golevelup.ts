import { Injectable } from '@nestjs/common';
import { RabbitSubscribe, type MessageErrorHandler } from '@golevelup/nestjs-rabbitmq';
import { connect, type ConfirmChannel } from 'amqplib';
import type { Consumer } from '../measuring/consumer';
import { QUEUE, type BenchMessage } from '../measuring/order';
import { DELAY_MS } from '../measuring/retries';
import { Tally } from '../measuring/tally';
import { startGolevelup } from './golevelup-app';

const DELAY_QUEUE = 'bench.delay';

/** Its channels confirm: the copy is safe before the original is acknowledged. */
const retryLater: MessageErrorHandler = async (channel, message) => {
  const { content, properties } = message;
  await new Promise<void>((resolve, reject) => {
    (channel as ConfirmChannel).sendToQueue(
      DELAY_QUEUE,
      content,
      { ...properties, persistent: true },
      (error: unknown) => {
        if (error) reject(error instanceof Error ? error : new Error('the broker refused the copy'));
        else resolve();
      },
    );
  });
  channel.ack(message);
};

@Injectable()
class Orders {
  constructor(private readonly tally: Tally) {}

  @RabbitSubscribe({
    queue: QUEUE,
    createQueueIfNotExists: false,
    errorHandler: async (channel, message, error) => {
      await retryLater(channel, message, error);
      tellFailed?.();
    },
  })
  async onOrder(order: BenchMessage): Promise<void> {
    if (this.tally.handling(order)) throw new Error('the first try fails');
    this.tally.settled(order);
  }
}

/** A decorator's options know no instance. */
let tellFailed: (() => void) | undefined;

/** golevelup with an error handler that sends a copy to a delay queue, confirmed, as safe as ours: at-least-once dead-lettering back. */
export const retryGolevelup: Consumer = {
  async start(run) {
    tellFailed = () => run.tally.failed();
    await declareDelay(run.amqpUrl);
    // Logging a stack for each failure costs half of its throughput; nobody here does.
    const quiet = { log: () => undefined, error: () => undefined, warn: () => undefined };
    return startGolevelup(Orders, run, { config: { logger: quiet } });
  },
};

async function declareDelay(amqpUrl: string): Promise<void> {
  const model = await connect(amqpUrl);
  const channel = await model.createChannel();
  await channel.deleteQueue(DELAY_QUEUE);
  await channel.assertQueue(DELAY_QUEUE, {
    durable: true,
    arguments: {
      'x-queue-type': 'quorum',
      'x-message-ttl': DELAY_MS,
      'x-dead-letter-exchange': '',
      'x-dead-letter-routing-key': QUEUE,
      'x-dead-letter-strategy': 'at-least-once',
      'x-overflow': 'reject-publish',
    },
  });
  await model.close();
}
