import { connect } from 'amqplib';
import { PREFETCH, QUEUE, type BenchMessage, type Variant } from '../variant';

/** Raw amqplib: one acknowledgement for each message. */
export const plainAmqplib: Variant = {
  async start({ amqpUrl, tally }) {
    const model = await connect(amqpUrl);
    const channel = await model.createChannel();
    await channel.prefetch(PREFETCH);
    await channel.consume(QUEUE, (message) => {
      if (!message) throw new Error('the broker cancelled the consumer');
      const { sequence } = JSON.parse(message.content.toString()) as BenchMessage;
      tally.handling(sequence);
      channel.ack(message);
      tally.settled();
    });
    return () => model.close();
  },
};
