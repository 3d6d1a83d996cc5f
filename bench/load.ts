import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect, type ChannelModel, type ConfirmChannel } from 'amqplib';
import { QUEUE, type BenchMessage } from './variant';

const BODY_BYTES = 1_024;

/** The queue of the bench: empties, fills and looks into it. */
export class BenchQueue {
  private constructor(
    private readonly model: ChannelModel,
    private readonly channel: ConfirmChannel,
  ) {}

  static async open(amqpUrl: string): Promise<BenchQueue> {
    const model = await connect(amqpUrl);
    return new BenchQueue(model, await model.createConfirmChannel());
  }

  get brokerVersion(): string {
    return this.model.connection.serverProperties.version;
  }

  /** A new quorum queue with this many persistent messages in it, every one of them confirmed. */
  async fill(messages: number): Promise<void> {
    await this.channel.deleteQueue(QUEUE);
    await this.channel.assertQueue(QUEUE, { durable: true, arguments: { 'x-queue-type': 'quorum' } });
    for (let sequence = 0; sequence < messages; sequence++) {
      const goesOn = this.channel.sendToQueue(QUEUE, bodyOf(sequence), {
        persistent: true,
        contentType: 'application/json',
        messageId: randomUUID(),
      });
      if (!goesOn) await new Promise((resolve) => this.channel.once('drain', resolve));
    }
    await this.channel.waitForConfirms();
  }

  /** Messages that stay in it. A quorum queue counts the last acknowledgements a moment after they came. */
  async left(): Promise<number> {
    const deadline = Date.now() + 2_000;
    for (;;) {
      const { messageCount } = await this.channel.checkQueue(QUEUE);
      if (messageCount === 0 || Date.now() > deadline) return messageCount;
      await sleep(20);
    }
  }

  async close(): Promise<void> {
    await this.model.close();
  }
}

function bodyOf(sequence: number): Buffer {
  const message: BenchMessage & { note: string } = {
    sequence,
    customer: `customer-${String(sequence % 1_000)}`,
    cents: sequence % 10_000,
    note: '',
  };
  const room = BODY_BYTES - JSON.stringify(message).length;
  return Buffer.from(JSON.stringify({ ...message, note: 'x'.repeat(room) }));
}
