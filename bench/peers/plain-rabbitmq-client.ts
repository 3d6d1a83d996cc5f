import { once } from 'node:events';
import { Connection } from 'rabbitmq-client';
import type { Consumer } from '../measuring/consumer';
import { PREFETCH, QUEUE, type BenchMessage } from '../measuring/order';

/** rabbitmq-client's `createConsumer`, which acknowledges when the handler ends. */
export const plainRabbitmqClient: Consumer = {
  async start({ amqpUrl, tally }) {
    const connection = new Connection(amqpUrl);
    const fail = (error: unknown): void => tally.broken(String(error));
    connection.on('error', fail);
    const consumer = connection.createConsumer(
      { queue: QUEUE, qos: { prefetchCount: PREFETCH }, queueOptions: { passive: true } },
      async ({ body }) => {
        tally.handling(body as BenchMessage);
        tally.settled();
      },
    );
    consumer.on('error', fail);
    await once(consumer as unknown as NodeJS.EventEmitter, 'ready');
    return async () => {
      await consumer.close();
      await connection.close();
    };
  },
};
