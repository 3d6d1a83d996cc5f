import { ReliableConsumer } from 'holdfast';
import { eventually } from '../support/eventually';
import { aQueue, World, type RunningHoldfast } from '../support/holdfast';
import { management } from '../support/vhosts';
import { nested, publishRaw } from '../support/wire';

const queue = aQueue('deep');
const signed = aQueue('signed');
const LEVELS = 5_000;

class Handlers {
  @ReliableConsumer(queue)
  on(): void {}

  @ReliableConsumer({ queue: signed, authenticate: { hmac: { secrets: 'a secret of the producer' } } })
  onSigned(): void {}
}

interface Shown {
  readonly payload: string;
  readonly properties: { readonly message_id: string; readonly headers: Record<string, unknown> };
}

/** amqplib nests its calls as deep as the header table of a message, and every broker takes tables that overflow its stack. */
describe('a message whose headers cannot be read', () => {
  let world: World;
  let holdfast: RunningHoldfast;
  const changes: unknown[] = [];

  beforeAll(async () => {
    world = await World.create();
    holdfast = await world.start({ handlers: [Handlers] });
    holdfast.events.on('connection.changed', (change) => changes.push(change));
  });
  afterAll(() => world.remove());

  /** Over HTTP, because the client of the tests reads headers with amqplib, too. */
  const takeDeadLetter = async (of: string): Promise<Shown> =>
    eventually(async () => {
      const path = `/queues/${encodeURIComponent(world.vhost.name)}/${encodeURIComponent(`${of}.dlq`)}/get`;
      const how = { count: 1, ackmode: 'ack_requeue_false', encoding: 'base64' };
      const [shown] = (await management('POST', path, how)) as Shown[];
      if (!shown) throw new Error(`nothing in ${of}.dlq`);
      return shown;
    });

  it.each([
    ['tables', queue],
    ['lists', queue],
    ['tables', signed],
  ] as const)(
    'for its nested %s is a dead letter, byte for byte, and nobody loses a connection (%s)',
    async (kind, to) => {
      const id = `${kind} to ${to}`;
      const body = Buffer.from([0, 0xff, 0x7b]);
      const channel = await world.broker.ready();
      await publishRaw(channel, to, { headers: nested(kind, LEVELS), messageId: id }, body);
      await world.broker.send(queue, `after ${id}`, {});
      expect((await holdfast.outcome(id, 'dead-letter')).outcome).toMatchObject({
        reason: 'malformed',
        error: { message: expect.stringMatching(/headers .* nested/) as unknown },
      });
      await holdfast.outcome(`after ${id}`, 'completed');

      const { payload, properties } = await takeDeadLetter(to);
      expect(Buffer.from(payload, 'base64').equals(body)).toBe(true);
      expect(properties.message_id).toBe(id);
      expect(depthOf(properties.headers['a'])).toBe(LEVELS - 1);
      expect(changes).toEqual([]);
    },
  );
});

function depthOf(value: unknown): number {
  let depth = 0;
  for (let at = value; typeof at === 'object' && at !== null && Object.keys(at).length > 0; depth++)
    at = (at as Record<string, unknown>)['a'] ?? (at as unknown[])[0];
  return depth;
}
