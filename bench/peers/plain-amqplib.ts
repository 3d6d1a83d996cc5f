import { connect } from 'amqplib';
import type { Consumer } from '../measuring/consumer';
import { PREFETCH, QUEUE, type BenchMessage } from '../measuring/order';

/** Raw amqplib: one acknowledgement for each message. */
export const plainAmqplib: Consumer = {
  async start({ amqpUrl, tally }) {
    const model = await connect(amqpUrl);
    const channel = await model.createChannel();
    await channel.prefetch(PREFETCH);
    await channel.consume(QUEUE, (message) => {
      if (!message) throw new Error('the broker cancelled the consumer');
      tally.handling(JSON.parse(message.content.toString()) as BenchMessage);
      channel.ack(message);
      tally.settled();
    });
    return () => model.close();
  },
};
