import { connect } from 'amqplib';
import { Textbook } from '../textbook';
import { PREFETCH, QUEUE, type BenchMessage, type Variant } from '../variant';

/** The textbook on raw amqplib. */
export const textbookAmqplib: Variant = {
  async start({ amqpUrl, databaseUrl, tally }) {
    const textbook = new Textbook(databaseUrl);
    await textbook.open();
    const model = await connect(amqpUrl);
    const channel = await model.createChannel();
    await channel.prefetch(PREFETCH);
    await channel.consume(QUEUE, (message) => {
      if (!message) throw new Error('the broker cancelled the consumer');
      const order = JSON.parse(message.content.toString()) as BenchMessage;
      tally.handling(order.sequence);
      textbook
        .handle(String(message.properties.messageId), order)
        .then(() => {
          channel.ack(message);
          tally.settled();
        })
        .catch((error: unknown) => {
          console.error(error);
          channel.nack(message);
        });
    });
    return async () => {
      await model.close();
      await textbook.close();
    };
  },
};
