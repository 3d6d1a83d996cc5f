import { connect } from 'amqplib';
import { Database, ReliableConsumer } from 'holdfast';
import { eventually } from '../support/eventually';
import { aQueue, World } from '../support/holdfast';
import { TcpProxy } from '../support/tcp-proxy';

const queue = aQueue('mails');

class Mails {
  static meanwhile: () => void = () => undefined;

  @ReliableConsumer({ queue, idempotency: 'off' })
  onMail(): void {
    Mails.meanwhile();
  }
}

describe('a delivery that came back from a dead process', () => {
  let world: World;
  let proxy: TcpProxy;

  beforeAll(async () => {
    world = await World.create();
    proxy = await TcpProxy.to(world.database.url);
  });
  afterAll(async () => {
    await world.remove();
    await proxy.close();
  });

  const start = () => world.start({ handlers: [Mails], variables: { DATABASE_URL: proxy.url } });
  const suspects = () => world.database.query('select delivery_key from holdfast.suspect_delivery');

  /** As a process leaves it that was killed with the message in its hands. */
  const comeBack = async (id: string): Promise<void> => {
    await world.broker.send(queue, id, {});
    const connection = await connect(world.vhost.url);
    const channel = await connection.createChannel();
    await eventually(async () => {
      if (!(await channel.get(queue))) throw new Error('the message has not come yet');
    });
    await connection.close();
  };

  it('is suspected no longer once it is done, even though the database was away at that moment', async () => {
    await (await start()).stop();
    await comeBack('m-1');
    Mails.meanwhile = () => {
      proxy.judge = () => 'cut';
      proxy.cut();
    };
    const holdfast = await start();
    await holdfast.outcome('m-1', 'completed');
    expect(await suspects()).toEqual([{ delivery_key: 'id:m-1' }]);

    proxy.judge = () => 'forward';
    await eventually(async () => {
      expect(await suspects()).toEqual([]);
    });
    await holdfast.stop();
  });

  it('is suspected no longer, even though the database was away when it began, and another process had counted it', async () => {
    const holdfast = await start();
    await world.database.query(
      "insert into holdfast.suspect_delivery (consumer, delivery_key, owner) values ($1, 'id:m-2', gen_random_uuid())",
      [queue],
    );
    await holdfast.consumers.unregister(queue);
    await comeBack('m-2');
    proxy.judge = () => 'cut';
    proxy.cut();
    await eventually(() => {
      expect(holdfast.app.get(Database).available).toBe(false);
    });
    holdfast.consumers.register({ queue, idempotency: 'off' }, () => undefined);
    await holdfast.outcome('m-2', 'completed');
    proxy.judge = () => 'forward';
    await eventually(async () => {
      expect(await suspects()).toEqual([]);
    });
    await holdfast.stop();
  });
});
