import { setTimeout as sleep } from 'node:timers/promises';
import { connect, type ChannelModel, type ConfirmChannel } from 'amqplib';
import { now, publicationOf, QUEUE, type Publication } from '../measuring/order';
import { shuffled } from './shuffled';

/** Where what is published downstream arrives, and where dead letters wait. */
export const DOWNSTREAM = 'bench.downstream';
export const LETTERS = 'bench.letters';
/** Every queue of the bench is one of these. */
const QUORUM = { durable: true, arguments: { 'x-queue-type': 'quorum' } };
const COUNTED_MS = 2_000;

/** The queues of the bench: empties, fills and looks into them. */
export class BenchQueue {
  private constructor(
    private readonly model: ChannelModel,
    private readonly channel: ConfirmChannel,
  ) {}

  static async open(amqpUrl: string): Promise<BenchQueue> {
    const model = await connect(amqpUrl, { noDelay: true });
    return new BenchQueue(model, await model.createConfirmChannel());
  }

  get brokerVersion(): string {
    return this.model.connection.serverProperties.version;
  }

  async makeAnew(name = QUEUE): Promise<void> {
    await this.channel.deleteQueue(name);
    await this.channel.assertQueue(name, QUORUM);
  }

  /** A new queue with this many persistent messages in it, every one of them confirmed. */
  async fill(messages: number, name = QUEUE): Promise<void> {
    await this.makeAnew(name);
    await this.add(messages, name);
  }

  /** Puts so many into the queue as it is. */
  async add(messages: number, name = QUEUE): Promise<void> {
    for (let sequence = 0; sequence < messages; sequence++) await this.send(publicationOf(sequence), name);
    await this.channel.waitForConfirms();
  }

  /** Each message twice, in an order that is random and always the same. */
  async fillTwice(messages: number): Promise<void> {
    await this.makeAnew();
    const publications = Array.from({ length: messages }, (_, sequence) => publicationOf(sequence));
    for (const publication of shuffled([...publications, ...publications])) await this.send(publication);
    await this.channel.waitForConfirms();
  }

  /** Publishes so many in a second, each telling when it was sent. */
  async trickle(messages: number, perSecond: number): Promise<void> {
    const startedAt = now();
    for (let sent = 0; sent < messages;) {
      const due = Math.min(messages, Math.floor(((now() - startedAt) * perSecond) / 1_000) + 1);
      for (; sent < due; sent++) await this.send(publicationOf(sent, now()));
      await sleep(1);
    }
    await this.channel.waitForConfirms();
  }

  /** Messages that stay in it. A quorum queue counts the last acknowledgements a moment after they came. */
  async left(name = QUEUE): Promise<number> {
    const deadline = Date.now() + COUNTED_MS;
    for (;;) {
      const { messageCount } = await this.channel.checkQueue(name);
      if (messageCount === 0 || Date.now() > deadline) return messageCount;
      await sleep(20);
    }
  }

  async remove(name: string): Promise<void> {
    await this.channel.deleteQueue(name);
  }

  async close(): Promise<void> {
    await this.model.close();
  }

  private async send({ body, messageId }: Publication, name = QUEUE): Promise<void> {
    const options = { persistent: true, contentType: 'application/json', messageId };
    if (!this.channel.sendToQueue(name, body, options))
      await new Promise((resolve) => this.channel.once('drain', resolve));
  }
}
