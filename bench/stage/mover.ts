import { connect, type ConsumeMessage } from 'amqplib';

const IN_FLIGHT = 500;

/** Moves everything from one queue to another: copies with confirm first, and acknowledges an original once its copy is safe. */
export async function moveAll(amqpUrl: string, from: string, to: string, messages: number): Promise<void> {
  const model = await connect(amqpUrl, { noDelay: true });
  try {
    const channel = await model.createConfirmChannel();
    await channel.prefetch(IN_FLIGHT);
    await new Promise<void>((resolve, reject) => {
      let moved = 0;
      const move = (message: ConsumeMessage): void => {
        const { content, properties } = message;
        channel.sendToQueue(to, content, { ...properties, persistent: true }, (error: unknown) => {
          if (error) {
            reject(error instanceof Error ? error : new Error('the broker refused a dead letter'));
            return;
          }
          channel.ack(message);
          moved++;
          if (moved === messages) resolve();
        });
      };
      channel
        .consume(from, (message) => {
          if (message) move(message);
          else reject(new Error('the broker cancelled the mover'));
        })
        .catch(reject);
    });
    // In order behind the last acknowledgements; closing the connection at once would drop what the broker has not read.
    await channel.close();
  } finally {
    await model.close();
  }
}
