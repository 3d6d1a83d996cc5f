import { connect, type ChannelModel, type ConfirmChannel, type GetMessage, type Options } from 'amqplib';
import { eventually } from './eventually';

/**
 * A program beside Holdfast that talks to the same broker: a producer, or a look into a queue. It connects anew when a test has
 * stopped the broker, and opens a new channel after a refusal has closed the last.
 */
export class BrokerClient {
  private model: ChannelModel | undefined;
  private open: ConfirmChannel | undefined;
  private opening: Promise<ConfirmChannel> | undefined;

  private constructor(private readonly url: string) {}

  static async connect(url: string): Promise<BrokerClient> {
    const client = new BrokerClient(url);
    await client.ready();
    return client;
  }

  /** The channel as it is; use `ready()` where something may have closed it. */
  get channel(): ConfirmChannel {
    if (!this.open) throw new Error('the channel of the test was closed; use `await ready()`');
    return this.open;
  }

  /** An open channel. */
  async ready(): Promise<ConfirmChannel> {
    return this.open ?? (this.opening ??= this.reopen().finally(() => (this.opening = undefined)));
  }

  private async reopen(): Promise<ConfirmChannel> {
    if (!this.model) {
      const model = await connectToFirst(this.url.split(','));
      // A test that cuts connections cuts this one too.
      model.on('error', () => undefined);
      model.on('close', () => {
        if (this.model === model) this.model = this.open = undefined;
      });
      this.model = model;
    }
    const channel = await this.model.createConfirmChannel();
    channel.on('error', () => undefined);
    channel.on('close', () => {
      if (this.open === channel) this.open = undefined;
    });
    return (this.open = channel);
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
    const channel = await this.ready();
    await new Promise<void>((resolve, reject) => {
      channel.publish(exchange, routingKey, content, properties, (error: Error | null) => {
        if (error) reject(error);
        else resolve();
      });
    });
  }

  /** Takes the next message, waiting for it. */
  async take(queue: string, timeoutMs = 15_000): Promise<GetMessage> {
    return eventually(async () => {
      const message = await (await this.ready()).get(queue, { noAck: true });
      if (message === false) throw new Error(`nothing in ${queue}`);
      return message;
    }, timeoutMs);
  }

  /** Messages ready in a queue, as the broker counts them now. */
  async depth(queue: string): Promise<number> {
    return (await (await this.ready()).checkQueue(queue)).messageCount;
  }

  async close(): Promise<void> {
    await this.model?.close().catch(() => undefined);
  }
}

/** To the first node of a cluster that takes the connection. */
async function connectToFirst([url = '', ...others]: string[]): Promise<ChannelModel> {
  try {
    return await connect(url);
  } catch (error) {
    if (others.length === 0) throw error;
    return connectToFirst(others);
  }
}
