import { setTimeout as sleep } from 'node:timers/promises';
import { connect, type ConsumeMessage } from 'amqplib';

const IN_FLIGHT = 500;
const ACKS_WRITTEN_MS = 1_000;

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
    // A quorum queue forgets acknowledgements that it has not written when their channel closes. Nobody's clock runs here.
    await sleep(ACKS_WRITTEN_MS);
  } finally {
    await model.close();
  }
}
