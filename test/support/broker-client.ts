import { connect, type ChannelModel, type ConfirmChannel, type GetMessage, type Options } from 'amqplib';
import { eventually } from './eventually';

/** A program beside Holdfast that talks to the same broker: a producer, or a look into a queue. */
export class BrokerClient {
  private constructor(
    private readonly model: ChannelModel,
    readonly channel: ConfirmChannel,
  ) {}

  static async connect(url: string): Promise<BrokerClient> {
    const model = await connect(url);
    // A test that cuts connections cuts this one too.
    model.on('error', () => undefined);
    const channel = await model.createConfirmChannel();
    channel.on('error', () => undefined);
    return new BrokerClient(model, channel);
  }

  /** Publishes to a queue and waits for the confirm. An object goes as JSON; the message-id is `id`. */
  async send(
    queue: string,
    id: string | undefined,
    body: unknown,
    options: Options.Publish = {},
  ): Promise<void> {
    await this.publish('', queue, id, body, options);
  }

  async publish(
    exchange: string,
    routingKey: string,
    id: string | undefined,
    body: unknown,
    options: Options.Publish = {},
  ): Promise<void> {
    const content = Buffer.isBuffer(body) ? body : Buffer.from(JSON.stringify(body));
    const properties = {
      persistent: true,
      contentType: 'application/json',
      ...(id !== undefined && { messageId: id }),
      ...options,
    };
    await new Promise<void>((resolve, reject) => {
      this.channel.publish(exchange, routingKey, content, properties, (error: unknown) => {
        if (error) reject(error instanceof Error ? error : new Error(String(error)));
        else resolve();
      });
    });
  }

  /** Takes the next message, waiting for it. */
  async take(queue: string, timeoutMs = 15_000): Promise<GetMessage> {
    return eventually(async () => {
      const message = await this.channel.get(queue, { noAck: true });
      if (message === false) throw new Error(`nothing in ${queue}`);
      return message;
    }, timeoutMs);
  }

  /** Messages ready in a queue, as the broker counts them now. */
  async depth(queue: string): Promise<number> {
    return (await this.channel.checkQueue(queue)).messageCount;
  }

  async close(): Promise<void> {
    await this.model.close().catch(() => undefined);
  }
}
