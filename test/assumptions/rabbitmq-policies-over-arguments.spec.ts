import type { ConfirmChannel, GetMessage } from 'amqplib';
import { BrokerClient } from '../support/broker-client';
import { eventually } from '../support/eventually';
import { createTestVhost, management, type TestVhost } from '../support/vhosts';

const LIMITED = { 'max-length': 1 };
const REJECTING = { 'x-overflow': 'reject-publish' };

/** Which of an argument and a policy counts: what `src/inspection/settings-in-force.ts` takes for granted. */
describe('RabbitMQ', () => {
  let vhost: TestVhost;
  let broker: BrokerClient;
  let channel: ConfirmChannel;
  let made = 0;

  /** A queue under a policy of its own. */
  const queueUnder = async (
    policy: Record<string, unknown>,
    args: Record<string, unknown>,
    type = 'quorum',
  ): Promise<string> => {
    const name = `q${++made}`;
    await channel.assertQueue(name, { durable: true, arguments: { 'x-queue-type': type, ...args } });
    await lay(name, `^${name}$`, policy);
    return name;
  };
  const lay = async (name: string, pattern: string, definition: Record<string, unknown>): Promise<void> => {
    const path = `/policies/${encodeURIComponent(vhost.name)}/${name}`;
    await management('PUT', path, { pattern, definition, 'apply-to': 'all' });
  };
  const send = (exchange: string, routingKey: string, mandatory = false): Promise<'taken' | 'refused'> =>
    new Promise((resolve) => {
      channel.publish(exchange, routingKey, Buffer.from('m'), { persistent: true, mandatory }, (error) =>
        resolve(error ? 'refused' : 'taken'),
      );
    });
  /** A policy comes into force a moment after it was laid. */
  const refusing = (queue: string): Promise<void> =>
    eventually(async () => {
      expect(await send('', queue)).toBe('refused');
    });
  const take = async (queue: string): Promise<GetMessage> => broker.take(queue);
  const targetOf = async (exchange: string, key: string): Promise<string> => {
    await channel.assertExchange(exchange, 'direct');
    const { queue } = await channel.assertQueue(`target${++made}`);
    await channel.bindQueue(queue, exchange, key);
    return queue;
  };

  beforeAll(async () => {
    vhost = await createTestVhost();
    broker = await BrokerClient.connect(vhost.url);
    channel = await broker.ready();
  });
  afterAll(async () => {
    await broker.close();
    await vhost.remove();
  });

  it('obeys the argument of a quorum queue for what to do when it is full, as long as no policy says otherwise', async () => {
    const queue = await queueUnder(LIMITED, REJECTING);
    await refusing(queue);
  });

  it.each(['drop-head', 'reject-publish-dlx'])(
    'obeys the policy of a quorum queue that says overflow %s, and drops the oldest',
    async (overflow) => {
      const queue = await queueUnder({ ...LIMITED, overflow }, REJECTING);
      for (let i = 0; i < 10; i++) expect(await send('', queue)).toBe('taken');
      expect(await broker.depth(queue)).toBe(1);
    },
  );

  it('obeys the argument of a classic queue for what to do when it is full', async () => {
    const queue = await queueUnder({ ...LIMITED, overflow: 'drop-head' }, REJECTING, 'classic');
    await refusing(queue);
  });

  it.each([
    ['policy', 200, 60_000],
    ['argument', 60_000, 200],
  ])('obeys the shorter of two times to live: that of the %s', async (_, policy, argument) => {
    const key = `ttl${++made}`;
    const target = await targetOf('ttl', key);
    const queue = await queueUnder(
      { 'message-ttl': policy },
      { 'x-message-ttl': argument, 'x-dead-letter-exchange': 'ttl', 'x-dead-letter-routing-key': key },
    );
    await send('', queue);
    const { properties } = await take(target);
    expect(properties.headers).toMatchObject({ 'x-death': [{ queue, reason: 'expired' }] });
  });

  it.each(['quorum', 'classic'])(
    'obeys the arguments of a %s queue for where to dead-letter',
    async (type) => {
      const key = `exit${++made}`;
      const target = await targetOf('exit', key);
      const queue = await queueUnder(
        { 'dead-letter-exchange': 'amq.fanout', 'dead-letter-routing-key': 'elsewhere', 'max-length': 0 },
        { 'x-dead-letter-exchange': 'exit', 'x-dead-letter-routing-key': key },
        type,
      );
      await send('', queue);
      expect((await take(target)).fields).toMatchObject({ exchange: 'exit', routingKey: key });
    },
  );

  it('obeys a policy for the routing key of dead letters where only the exchange is an argument', async () => {
    const target = await targetOf('keyless', 'elsewhere');
    const queue = await queueUnder(
      { 'dead-letter-routing-key': 'elsewhere' },
      { 'x-message-ttl': 100, 'x-dead-letter-exchange': 'keyless' },
    );
    await eventually(async () => {
      await send('', queue);
      expect(await broker.depth(target)).toBeGreaterThan(0);
    });
  });

  it.each([
    ['policy', 1, 1_000],
    ['argument', 1_000, 1],
  ])('obeys the smaller of two delivery limits: that of the %s', async (_, policy, argument) => {
    const queue = await queueUnder({ 'delivery-limit': policy }, { 'x-delivery-limit': argument });
    await send('', queue);
    await eventually(async () => {
      const message = await channel.get(queue);
      if (message) channel.nack(message, false, true);
      expect(message).toBe(false);
      expect(await broker.depth(queue)).toBe(0);
    });
  });

  it('deletes a queue that nobody uses for as long as a policy says, and what is in it', async () => {
    const queue = await queueUnder({ expires: 200 }, {}, 'classic');
    await send('', queue);
    // Over AMQP the question alone would be a use.
    await eventually(async () => {
      await expect(management('GET', `/queues/${encodeURIComponent(vhost.name)}/${queue}`)).rejects.toThrow(
        '404',
      );
    });
  });

  it('obeys the alternate exchange of a policy only where an exchange has none of its own, and then returns nothing', async () => {
    const [own, other] = [await targetOf('own', 'k'), await targetOf('other', 'k')];
    await channel.assertExchange('with', 'direct', { arguments: { 'alternate-exchange': 'own' } });
    await channel.assertExchange('without', 'direct');
    await lay('alternate', '^with(out)?$', { 'alternate-exchange': 'other' });
    let returned = 0;
    const count = (): number => ++returned;
    channel.on('return', count);
    await eventually(async () => {
      await send('without', 'k', true);
      expect(await broker.depth(other)).toBeGreaterThan(0);
    });
    const before = returned;
    await Promise.all([send('without', 'k', true), send('with', 'k', true)]);
    expect(returned).toBe(before);
    expect(await broker.depth(own)).toBe(1);
    channel.off('return', count);
  });

  it('goes on refusing a channel that met a full queue when there is no limit any more, and takes it from another', async () => {
    const queue = await queueUnder(LIMITED, REJECTING);
    await refusing(queue);
    await management('DELETE', `/policies/${encodeURIComponent(vhost.name)}/${queue}`);
    const other = await BrokerClient.connect(vhost.url);
    await eventually(() => other.send(queue, undefined, {}));
    await channel.purgeQueue(queue);
    expect(await send('', queue)).toBe('refused');
    await other.close();
  });

  it('dead-letters at most once as soon as a policy takes reject-publish away', async () => {
    const lasting = {
      ...REJECTING,
      'x-message-ttl': 2_000,
      'x-dead-letter-exchange': 'gone',
      'x-dead-letter-strategy': 'at-least-once',
    };
    const [kept, lost] = [
      await queueUnder({ 'max-length': 10 }, lasting),
      await queueUnder({ overflow: 'drop-head' }, lasting),
    ];
    await Promise.all([send('', kept), send('', lost)]);
    const counts = async (queue: string): Promise<unknown> =>
      management('GET', `/queues/${encodeURIComponent(vhost.name)}/${queue}?columns=messages,messages_dlx`);
    await eventually(async () => {
      expect(await counts(kept)).toEqual({ messages: 1, messages_dlx: 1 });
      expect(await counts(lost)).toEqual({ messages: 0, messages_dlx: 0 });
    }, 30_000);
  });
});
