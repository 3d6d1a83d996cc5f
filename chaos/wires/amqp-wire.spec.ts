import { connect as dial, createServer, type AddressInfo } from 'node:net';
import { connect, type ChannelModel, type ConfirmChannel } from 'amqplib';
import { eventually } from '../../test/support/eventually';
import { createTestVhost, type TestVhost } from '../../test/support/vhosts';
import { openAmqpWire } from './amqp-wire';
import type { AmqpWire } from './wire';

/** A whole `basic.ack` frame, as the body of a message. */
const LOOKS_LIKE_A_CONFIRM = Buffer.from([
  1, 0, 1, 0, 0, 0, 13, 0, 60, 0, 80, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0xce,
]);

describe('a wire to RabbitMQ', () => {
  let vhost: TestVhost;
  let wire: AmqpWire;
  let model: ChannelModel;
  let channel: ConfirmChannel;
  let queue: string;
  let confirmed: string[];

  const publish = (body: string | Buffer, to = queue): void => {
    const content = Buffer.from(body);
    const mine = confirmed;
    channel.publish('', to, content, { mandatory: true }, (error: Error | null) => {
      mine.push(error ? 'lost' : content.toString('latin1'));
    });
  };
  const depth = async (): Promise<number> => (await channel.checkQueue(queue)).messageCount;

  beforeAll(async () => {
    vhost = await createTestVhost();
  });
  afterAll(() => vhost.remove());

  beforeEach(async () => {
    confirmed = [];
    wire = await openAmqpWire(vhost.url);
    model = await connect(wire.url);
    model.on('error', () => undefined);
    channel = await model.createConfirmChannel();
    channel.on('error', () => undefined);
    ({ queue } = await channel.assertQueue('', { exclusive: true }));
  });
  afterEach(async () => {
    await wire.close();
  });

  it('carries confirms when nothing is wrong', async () => {
    publish('calm');
    await channel.waitForConfirms();
    expect(confirmed).toEqual(['calm']);
  });

  it('swallows the confirms of what the broker has taken, and nothing else', async () => {
    const returned: string[] = [];
    const delivered: Buffer[] = [];
    channel.on('return', ({ content }: { content: Buffer }) => returned.push(content.toString()));
    const undo = wire.swallowConfirms();
    for (let i = 0; i < 50; i++) publish(LOOKS_LIKE_A_CONFIRM);
    publish('unroutable', 'no such queue');
    await eventually(async () => expect(await depth()).toBe(50));
    await channel.consume(queue, (message) => delivered.push(message!.content), { noAck: true });
    await eventually(() => expect(delivered).toHaveLength(50));
    expect(delivered.every((content) => content.equals(LOOKS_LIKE_A_CONFIRM))).toBe(true);
    expect(returned).toEqual(['unroutable']);
    expect(confirmed).toEqual([]);

    undo();
    const late = new Promise<void>((resolve) => {
      channel.publish('', queue, Buffer.from('late'), {}, () => resolve());
    });
    await late;
  });

  it('swallows until the last undo', async () => {
    const undos = [wire.swallowConfirms(), wire.swallowConfirms()];
    publish('twice');
    await eventually(async () => expect(await depth()).toBe(1));
    undos[0]!();
    undos[0]!();
    publish('once');
    await eventually(async () => expect(await depth()).toBe(2));
    expect(confirmed).toEqual([]);
    wire.mend();
    publish('none');
    await eventually(() => expect(confirmed).toContain('none'));
  });

  it('carries what a broker says before it hangs up in the middle of a frame', async () => {
    const broker = createServer((socket) => socket.end(Buffer.from([1, 0, 1])));
    await new Promise<void>((resolve) => broker.listen(0, '127.0.0.1', resolve));
    const toIt = await openAmqpWire(`amqp://127.0.0.1:${(broker.address() as AddressInfo).port}`);
    const chunks: Buffer[] = [];
    const socket = dial(Number(new URL(toIt.url).port), '127.0.0.1', () => socket.end());
    for await (const chunk of socket) chunks.push(chunk as Buffer);
    expect(Buffer.concat(chunks)).toEqual(Buffer.from([1, 0, 1]));
    await toIt.close();
    await new Promise((resolve) => broker.close(resolve));
  });

  it('is broken off with its connections', async () => {
    const closed = new Promise<unknown>((resolve) => model.once('close', resolve));
    expect(wire.cut()).toBe(1);
    await closed;
    expect(wire.connections).toBe(0);
  });
});
