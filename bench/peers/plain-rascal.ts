import { BrokerAsPromised, withDefaultConfig } from 'rascal';
import type { Consumer } from '../measuring/consumer';
import { PREFETCH, QUEUE, type BenchMessage } from '../measuring/order';

/** rascal with its default configuration and the prefetch of all. */
export const plainRascal: Consumer = {
  async start({ amqpUrl, tally }) {
    const broker = await BrokerAsPromised.create(
      withDefaultConfig({
        vhosts: {
          bench: {
            connection: { url: amqpUrl },
            queues: { [QUEUE]: { assert: false, check: true } },
            subscriptions: { orders: { queue: QUEUE, prefetch: PREFETCH } },
          },
        },
      }),
    );
    const fail = (error: Error): void => tally.broken(error.message);
    broker.on('error', fail);
    const subscription = await broker.subscribe('orders');
    subscription
      .on('message', (_message, content, ackOrNack) => {
        tally.handling(content as BenchMessage);
        ackOrNack();
        tally.settled();
      })
      .on('error', fail)
      .on('invalid_content', fail);
    return () => broker.shutdown();
  },
};
