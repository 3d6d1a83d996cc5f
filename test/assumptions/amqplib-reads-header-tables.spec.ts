import { connect, type ChannelModel, type ConfirmChannel, type ConsumeMessage } from 'amqplib';
import { createTestVhost, type TestVhost } from '../support/vhosts';
import { field, nested, publishRaw, short, table, uint64, type WireProperties } from '../support/wire';

/** Why `src/broker/unreadable-headers` and `src/broker/header-values` exist: where one of these fails, they may go. */
describe('amqplib', () => {
  let vhost: TestVhost;
  let model: ChannelModel;
  let channel: ConfirmChannel;

  beforeAll(async () => {
    vhost = await createTestVhost();
    model = await connect(vhost.url.split(',')[0]!);
    model.on('error', () => undefined);
    channel = await model.createConfirmChannel();
  });
  afterAll(async () => {
    await model.close().catch(() => undefined);
    await vhost.remove();
  });

  const queueWith = async (name: string, properties: WireProperties): Promise<string> => {
    await channel.assertQueue(name, { durable: true });
    await publishRaw(channel, name, properties, Buffer.from('{}'));
    return name;
  };
  const received = async (name: string, properties: WireProperties): Promise<ConsumeMessage> => {
    const queue = await queueWith(name, properties);
    const { consumerTag, message } = await new Promise<{ consumerTag: string; message: ConsumeMessage }>(
      (resolve) => {
        const consuming = channel.consume(queue, (message) => {
        void consuming.then(({ consumerTag }) => {
          resolve({ consumerTag, message: message! });
        });
      }, { noAck: true }); // prettier-ignore
      },
    );
    await channel.cancel(consumerTag);
    return message;
  };

  it.each([
    ['a double below -2^63', { headers: table([['x', field.double(-1e300)]]) }],
    ['a table with the key "!"', { headers: table([['x', field.table([['!', field.text('nonsense')]])]]) }],
    ['a timestamp near 2^64', { timestamp: uint64(2n ** 64n - 1n) }],
    ['text that is no UTF-8, as long as it may be', { messageId: short(Buffer.alloc(255, 0xff)) }],
  ])('cannot write what it has read: %s', async (name, properties) => {
    const { properties: read } = await received(name, properties);
    expect(() => channel.publish('', 'nowhere', Buffer.alloc(0), read)).toThrow();
  });

  it('takes a header named __proto__ for the prototype of the headers', async () => {
    const { properties } = await received('proto', {
      headers: table([['__proto__', field.table([['role', field.text('admin')]])]]),
    });
    expect(Object.keys(properties.headers!)).toEqual([]);
    expect(properties.headers!['role']).toBe('admin');
  });

  it.each(['tables', 'lists'] as const)(
    'overflows its stack over 5000 %s in each other, which RabbitMQ takes, and loses its connection each time',
    async (kind) => {
      const queue = await queueWith(`deep ${kind}`, { headers: nested(kind, 5_000) });
      for (let delivery = 1; delivery <= 2; delivery++) {
        const doomed = await connect(vhost.url.split(',')[0]!);
        const error = new Promise<Error>((resolve) => doomed.once('error', resolve));
        await (await doomed.createChannel()).consume(queue, () => undefined);
        expect(await error).toMatchObject({ message: 'Maximum call stack size exceeded' });
      }
    },
  );
});
