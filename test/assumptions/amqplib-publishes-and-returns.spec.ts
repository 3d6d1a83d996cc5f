import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { connect, type ChannelModel } from 'amqplib';
import { TcpProxy } from '../support/tcp-proxy';
import { createTestVhost, type TestVhost } from '../support/vhosts';

/** What `src/broker` takes for granted. */
describe('amqplib', () => {
  let vhost: TestVhost;
  let model: ChannelModel;

  beforeAll(async () => {
    vhost = await createTestVhost();
    model = await connect(vhost.url.split(',')[0]!);
  });
  afterAll(async () => {
    await model.close();
    await vhost.remove();
  });

  it('is one version for us, golevelup and amqp-connection-manager: channels of one are used with the types of the other', () => {
    const from = (name: string): string =>
      require.resolve('amqplib', { paths: [dirname(require.resolve(name))] });
    const ours = require.resolve('amqplib');
    expect(from('@golevelup/nestjs-rabbitmq')).toBe(ours);
    expect(from('amqp-connection-manager')).toBe(ours);
    const manifest = readFileSync(join(dirname(ours), 'package.json'), 'utf8');
    const { version } = JSON.parse(manifest) as { version: string };
    expect(version).toMatch(/^2\./);
  });

  it('reports what could not be routed before it is confirmed, and confirms it all the same', async () => {
    const channel = await model.createConfirmChannel();
    const order: string[] = [];
    channel.on('return', ({ properties }: { properties: { messageId: string } }) =>
      order.push(`returned ${properties.messageId}`),
    );
    await new Promise<void>((resolve) => {
      channel.publish(
        '',
        'nowhere',
        Buffer.from(''),
        { mandatory: true, messageId: 'm' },
        (error: unknown) => {
          order.push(error ? 'refused' : 'confirmed');
          resolve();
        },
      );
    });
    expect(order).toEqual(['returned m', 'confirmed']);
    await channel.close();
  });

  it('fails every unconfirmed publication of a channel that closes', async () => {
    const channel = await model.createConfirmChannel();
    channel.on('error', () => undefined);
    const outcome = (): Promise<unknown> =>
      new Promise((resolve) => {
        channel.publish('no such exchange', '', Buffer.from(''), {}, resolve);
      });
    const outcomes = await Promise.all([outcome(), outcome(), outcome()]);
    expect(outcomes.every((error) => error instanceof Error)).toBe(true);
  });

  it('tells of a subscription that the broker cancels by a message that is null', async () => {
    const channel = await model.createChannel();
    await channel.assertQueue('cancelled');
    const cancelled = new Promise((resolve) => {
      void channel.consume('cancelled', resolve);
    });
    await channel.deleteQueue('cancelled');
    expect(await cancelled).toBeNull();
    await channel.close();
  });

  it('never settles a close() whose connection ends first, but tells of the end by an event', async () => {
    const proxy = await TcpProxy.to(vhost.url);
    const doomed = await connect(proxy.url);
    doomed.on('error', () => undefined);
    const channel = await doomed.createChannel();
    const ended = new Promise((resolve) => channel.once('close', resolve));
    proxy.judge = () => 'cut';
    let settled = false;
    void channel.close().finally(() => (settled = true));
    await ended;
    await new Promise(setImmediate);
    expect(settled).toBe(false);
    await proxy.close();
  });
});
