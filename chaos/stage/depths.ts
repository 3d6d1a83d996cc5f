import type { Channel, ChannelModel } from 'amqplib';
import { connectToOneOf } from './connect';

const ANSWER_MS = 2_000;

/**
 * How many messages wait in queues, as the broker counts them now; its management API tells what was true five seconds ago. On a
 * connection that never publishes: an alarm would block it.
 */
export class Depths {
  private connection: ChannelModel | undefined;
  private channel: Channel | undefined;

  constructor(private readonly url: string) {}

  /** The messages ready in all these queues together; undefined while the broker does not say. */
  async ready(queues: readonly string[]): Promise<number | undefined> {
    let late: NodeJS.Timeout | undefined;
    const timeout = new Promise<undefined>((resolve) => {
      late = setTimeout(() => {
        resolve(undefined);
        void this.close();
      }, ANSWER_MS);
    });
    const answer = this.ask(queues).catch(() => undefined);
    return Promise.race([answer, timeout]).finally(() => {
      clearTimeout(late);
    });
  }

  async close(): Promise<void> {
    const { connection } = this;
    this.connection = undefined;
    this.channel = undefined;
    await connection?.close().catch(() => undefined);
  }

  private async ask(queues: readonly string[]): Promise<number> {
    const channel = this.channel ?? (await this.open());
    const answers = await Promise.all(queues.map((queue) => channel.checkQueue(queue)));
    return answers.reduce((sum, { messageCount }) => sum + messageCount, 0);
  }

  private async open(): Promise<Channel> {
    const connection = await connectToOneOf(this.url, 'chaos depths');
    connection.on('error', () => undefined);
    const channel = await connection.createChannel();
    // A queue that is being deleted and made anew closes it.
    channel.on('error', () => undefined);
    const forget = (): void => {
      if (this.channel === channel) this.channel = undefined;
      connection.close().catch(() => undefined);
    };
    channel.once('close', forget);
    connection.once('close', forget);
    this.connection = connection;
    this.channel = channel;
    return channel;
  }
}
