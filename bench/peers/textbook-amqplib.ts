import type { Consumer } from '../measuring/consumer';
import { consumeWithAmqplib } from './amqplib-consumer';
import { Textbook } from './textbook';

/** The textbook on raw amqplib. */
export const textbookAmqplib: Consumer = {
  async start(run) {
    const textbook = new Textbook(run.databaseUrl);
    await textbook.open();
    const stop = await consumeWithAmqplib(run, ({ id, order }) => textbook.handle(id, order));
    return async () => {
      await stop();
      await textbook.close();
    };
  },
};
