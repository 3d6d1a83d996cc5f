import { connect } from 'amqplib';
import { PREFETCH, QUEUE, type BenchMessage } from '../measuring/order';

export interface Given {
  readonly id: string;
  readonly order: BenchMessage;
}

interface Told {
  handling(order: BenchMessage): unknown;
  /** Left out where somebody else says when the way of a message ends. */
  settled?(order: BenchMessage): void;
}

/** Consumes with raw amqplib: acknowledges what is handled, gives back what failed. @returns what ends it. */
export async function consumeWithAmqplib(
  { amqpUrl, tally }: { readonly amqpUrl: string; readonly tally: Told },
  handle: (given: Given) => Promise<void>,
): Promise<() => Promise<void>> {
  let hasFailed = false;
  const model = await connect(amqpUrl);
  const channel = await model.createChannel();
  await channel.prefetch(PREFETCH);
  await channel.consume(QUEUE, (message) => {
    if (!message) throw new Error('the broker cancelled the consumer');
    const order = JSON.parse(message.content.toString()) as BenchMessage;
    tally.handling(order);
    handle({ id: String(message.properties.messageId), order }).then(
      () => {
        channel.ack(message);
        tally.settled?.(order);
      },
      (error: unknown) => {
        // Written down once: where it is no accident, the run fails and shows it.
        if (!hasFailed) console.error(error);
        hasFailed = true;
        channel.nack(message);
      },
    );
  });
  return () => model.close();
}
