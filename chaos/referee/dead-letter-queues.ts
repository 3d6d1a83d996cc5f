import type { ConsumeMessage, MessagePropertyHeaders } from 'amqplib';
import { connectToOneOf } from '../stage/connect';
import type { FoundDeadLetter } from './account';

/** Empties dead-letter queues. What it hands out is acknowledged: nobody else can count it. */
export async function drainDeadLetters(
  url: string,
  queues: readonly { name: string; messages: number }[],
  take: (found: FoundDeadLetter) => void,
): Promise<void> {
  const connection = await connectToOneOf(url, 'chaos referee');
  try {
    const channel = await connection.createChannel();
    await channel.prefetch(500);
    for (const { name, messages } of queues) {
      let left = messages;
      if (left === 0) continue;
      await new Promise<void>((resolve, reject) => {
        const timer = setTimeout(() => {
          reject(new Error(`${left} of ${messages} dead letters of ${name} did not come`));
        }, 60_000);
        const consume = (message: ConsumeMessage | null): void => {
          if (message === null) return;
          take(readDeadLetter(name, message));
          channel.ack(message);
          if (--left > 0) return;
          clearTimeout(timer);
          resolve();
        };
        channel.consume(name, consume, { consumerTag: name }).catch(reject);
      });
      await channel.cancel(name);
    }
    await channel.close();
  } finally {
    await connection.close();
  }
}

function readDeadLetter(queue: string, { properties }: ConsumeMessage): FoundDeadLetter {
  const headers: MessagePropertyHeaders = properties.headers ?? {};
  const broker = headers['x-first-death-reason'];
  return {
    consumer: queue.replace(/\.dlq$/, ''),
    message: String(properties.messageId),
    reason: String(headers['holdfast-reason'] ?? (broker === undefined ? 'unknown' : `broker: ${broker}`)),
    token: headers['holdfast-copy-token'] as string | undefined,
  };
}
