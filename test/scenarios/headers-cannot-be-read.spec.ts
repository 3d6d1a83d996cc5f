import { ReliableConsumer } from 'holdfast';
import { takeDeadLetter } from '../support/dead-letters';
import { extraServer, type ExtraServer } from '../support/extra-server';
import { aQueue, World, type RunningHoldfast } from '../support/holdfast';
import { field, nested, publishRaw, table } from '../support/wire';

const queue = aQueue('deep');
const signed = aQueue('signed');
const LEVELS = 5_000;

class Handlers {
  @ReliableConsumer(queue)
  on(): void {}

  @ReliableConsumer({ queue: signed, authenticate: { hmac: { secrets: 'a secret of the producer' } } })
  onSigned(): void {}
}

/**
 * amqplib nests its calls as deep as the header table of a message, and every broker takes tables that overflow its stack. RabbitMQ 3.10
 * dies in its dead-lettering of a death history that no broker wrote: on a server of its own, not to take that of other tests along.
 */
describe('a message whose headers cannot be read', () => {
  let server: ExtraServer;
  let world: World;
  let holdfast: RunningHoldfast;
  const changes: unknown[] = [];

  beforeAll(async () => {
    server = await extraServer('rabbitmq');
    world = await World.create({ rabbitmqUrl: server.url });
    holdfast = await world.start({ handlers: [Handlers] });
    holdfast.events.on('connection.changed', (change) => changes.push(change));
  }, 120_000);
  afterAll(async () => {
    await world.remove();
    await server.remove();
  });

  const deaths = (...entries: Buffer[]): Buffer => table([['x-death', field.list(entries)]]);

  it.each([
    ['tables in each other', nested('tables', LEVELS), queue],
    ['lists in each other', nested('lists', LEVELS), queue],
    ['tables in each other, where a signature is asked for', nested('tables', LEVELS), signed],
    ['a death history of words', deaths(field.text('x')), queue],
    [
      'a death history of words in headers that leave no room',
      table([
        ['x-death', field.list([field.text('x')])],
        ['note', field.text('x'.repeat(65_000))],
      ]),
      queue,
    ],
    [
      'a death history that counts in words',
      deaths(
        field.table([
          ['queue', field.text(queue)],
          ['reason', field.text('rejected')],
          ['count', field.text('x')],
        ]),
      ),
      queue,
    ],
  ])(
    '(%s) is a dead letter that anybody can read, with the same bytes, and nobody loses a connection',
    async (name, headers, to) => {
      const body = Buffer.from([0, 0xff, 0x7b]);
      await publishRaw(
        await world.broker.ready(),
        to,
        { headers, messageId: name, contentType: 'text/x' },
        body,
      );
      const { outcome } = await holdfast.outcome(name, 'dead-letter');
      expect(outcome).toMatchObject({
        reason: 'malformed',
        error: { message: expect.stringMatching(/^the headers cannot be read/) as unknown },
      });

      const dead = await takeDeadLetter(world, to);
      expect(dead.body.equals(body)).toBe(true);
      expect(dead).toMatchObject({
        reason: 'malformed',
        properties: { messageId: name, contentType: 'text/x' },
      });
      expect(dead.headers['holdfast-origin-properties']).toBe('{"headers":"could not be read"}');
      expect(
        Object.keys(dead.headers).filter((header) => !/^holdfast-|^x-(retry|delivery)-count$/.test(header)),
      ).toEqual([]);

      await world.broker.send(to === signed ? queue : to, `after ${name}`, {});
      await holdfast.outcome(`after ${name}`, 'completed');
      expect(changes).toEqual([]);
    },
  );

  it('leaves the broker able to dead-letter', async () => {
    const note = 'x'.repeat(65_000);
    await world.broker.send(queue, 'crowded', 'no JSON', { headers: { note }, contentEncoding: 'zstd' });
    await holdfast.outcome('crowded', 'dead-letter');
    const { headers } = await takeDeadLetter(world, queue);
    expect(headers).toMatchObject({ note, 'x-death': [{ reason: 'rejected' }] });
  });
});
