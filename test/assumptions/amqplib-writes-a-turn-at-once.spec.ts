import { once } from 'node:events';
import { connect, type ChannelModel, type ConfirmChannel } from 'amqplib';
import { writeOnceATurn } from '../../src/broker/one-write-a-turn';
import { createTestVhost, type TestVhost } from '../support/vhosts';

const MESSAGES = 40;

/** `src/broker/one-write-a-turn` reaches into amqplib. */
describe('the connection of amqplib, when it is to write once a turn', () => {
  let vhost: TestVhost;
  let model: ChannelModel;
  let channel: ConfirmChannel;
  /** How many frames went into each write to the socket. */
  const writes: number[] = [];

  beforeAll(async () => {
    vhost = await createTestVhost();
    model = await connect(vhost.url.split(',')[0]!, { noDelay: true });
    writeOnceATurn(model);
    const { stream } = model.connection as unknown as {
      stream: { _write(...given: unknown[]): void; _writev(chunks: unknown[], done: unknown): void };
    };
    const write = stream._write.bind(stream);
    const writev = stream._writev.bind(stream);
    stream._write = (...given) => {
      writes.push(1);
      write(...given);
    };
    stream._writev = (chunks, done) => {
      writes.push(chunks.length);
      writev(chunks, done);
    };
    channel = await model.createConfirmChannel();
  });
  afterAll(async () => {
    await model.close();
    await vhost.remove();
  });

  it('lets the frames of a turn travel together, and none of them gets lost', async () => {
    const { queue } = await channel.assertQueue('', { durable: true });
    for (let i = 0; i < MESSAGES; i++) channel.sendToQueue(queue, Buffer.from(String(i)));
    await channel.waitForConfirms();
    const tags: number[] = [];
    await new Promise<void>((resolve, reject) => {
      channel
        .consume(
          queue,
          (message) => {
            tags.push(message!.fields.deliveryTag);
            if (tags.length === MESSAGES) resolve();
          },
          { consumerTag: 'reader' },
        )
        .catch(reject);
    });

    writes.length = 0;
    // Every other one, so that no frame stands for several.
    const others = tags.filter((tag) => tag % 2 === 0);
    for (const deliveryTag of others) channel.ack({ fields: { deliveryTag } } as never);
    // Answered after all that was sent before it.
    await channel.checkQueue(queue);
    expect(writes.filter((frames) => frames >= others.length)).toHaveLength(1);
    expect(writes.length).toBeLessThanOrEqual(2);

    await channel.cancel('reader');
    channel.nackAll(true);
    const { messageCount } = await channel.deleteQueue(queue);
    expect(messageCount).toBe(MESSAGES - others.length);
  });

  it('goes on after more than the socket takes at once', async () => {
    const { queue } = await channel.assertQueue('', { durable: true });
    const body = Buffer.alloc(300_000);
    for (let i = 0; i < MESSAGES; i++) if (!channel.sendToQueue(queue, body)) await once(channel, 'drain');
    await channel.waitForConfirms();
    expect((await channel.deleteQueue(queue)).messageCount).toBe(MESSAGES);
  });
});
