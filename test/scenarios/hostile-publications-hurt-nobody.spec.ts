import { ReliableConsumer, type MessageContext, type PublishOptions } from 'holdfast';
import { OutboxRelay } from '../../src/outbox/outbox.module';
import { eventually } from '../support/eventually';
import { aQueue, World, type RunningHoldfast } from '../support/holdfast';

const queue = aQueue('publisher');
const out = aQueue('out');
const EVERY_BYTE = Buffer.from(Array.from({ length: 256 }, (_, i) => i));

type Work = (ctx: MessageContext) => unknown;

class Publisher {
  readonly work = new Map<string, Work>();

  @ReliableConsumer({ queue, retry: false })
  async on(_: unknown, ctx: MessageContext): Promise<void> {
    await this.work.get(ctx.id)?.(ctx);
  }
}

/** What Postgres cannot hold as text or jsonb, and what it or pg could take for something else. */
const HOSTILE: readonly [string, Buffer, PublishOptions][] = [
  ['NUL in a header', Buffer.from('{}'), { headers: { 'a\0b': 'c\0d', deep: [{ 'e\0': ['\0'] }] } }],
  ['NUL in properties', Buffer.from('{}'), { type: 'a\0b', correlationId: '\0' }],
  ['half a character', Buffer.from('{}'), { headers: { half: '\ud83d', '\udc00': 1 }, type: '\ud83d' }],
  [
    'bytes in headers',
    Buffer.from('{}'),
    { headers: { bytes: EVERY_BYTE, list: [EVERY_BYTE, { b: EVERY_BYTE }] } },
  ],
  [
    'what is read as an escape',
    Buffer.from('\\x00'),
    { headers: { json: '\\u0000', array: '{"a",NULL}', quote: '"\\"' } },
  ],
  ['every byte', EVERY_BYTE, {}],
  ['no bytes', Buffer.alloc(0), {}],
  ['a large body', Buffer.alloc(3_000_000, EVERY_BYTE), {}],
  [
    'named types',
    Buffer.from('{}'),
    { headers: { at: { '!': 'timestamp', value: 1_700_000_000 }, big: 2 ** 53 } },
  ],
];

const wellFormed = (value: unknown): unknown =>
  JSON.parse(JSON.stringify(value).replace(/\\ud[89a-f]../g, '\ufffd'));

describe('hostile publications', () => {
  let world: World;
  let holdfast: RunningHoldfast;
  let isDead = false;
  const handle = async (id: string, work: Work): Promise<void> => {
    holdfast.app.get(Publisher).work.set(id, work);
    await world.broker.send(queue, id, {});
  };

  beforeAll(async () => {
    world = await World.create();
    await (await world.broker.ready()).assertQueue(out, { durable: true });
    const relay = Reflect.get<OutboxRelay, 'relay'>(OutboxRelay.prototype, 'relay');
    jest.spyOn(OutboxRelay.prototype, 'relay').mockImplementation(function (this: OutboxRelay, ...bundle) {
      if (!isDead) relay.call(this, ...bundle);
    });
    holdfast = await world.start({ handlers: [Publisher], variables: { HOLDFAST_MAX_BODY: '4MiB' } });
  });
  afterAll(() => world.remove());

  it.each([
    ['at once', false],
    ['out of the table', true],
  ])('leave as they were published, %s', async (how, dies) => {
    isDead = dies;
    await handle(how, async (ctx) => {
      for (const [name, body, options] of HOSTILE)
        await ctx.publish('', out, body, { ...options, messageId: name });
    });
    await holdfast.outcome(how, 'completed');
    isDead = false;
    if (dies) await world.database.query('update holdfast.outbox_message set next_try_at = now()');
    for (const [name, body, options] of HOSTILE) {
      const { content, properties } = await world.broker.take(out);
      expect(properties.messageId).toBe(name);
      expect(content.equals(body)).toBe(true);
      const { headers = {}, ...others } = options;
      expect(properties).toMatchObject(wellFormed(others) as object);
      // As JSON, which shows bytes and NUL; the names of a table have no order.
      expect(JSON.parse(JSON.stringify(properties.headers))).toEqual(wellFormed(headers));
    }
    await eventually(async () => {
      expect(await world.database.query('select from holdfast.outbox_message')).toEqual([]);
    });
  });

  it('leave by a routing key with NUL, which text of Postgres cannot hold', async () => {
    const odd = `${out}\0`;
    const channel = await world.broker.ready();
    await channel.assertQueue(out);
    await channel.bindQueue(out, 'amq.direct', odd);
    isDead = true;
    await handle('odd', (ctx) => ctx.publish('amq.direct', odd, {}));
    await holdfast.outcome('odd', 'completed');
    isDead = false;
    await world.database.query('update holdfast.outbox_message set next_try_at = now()');
    expect((await world.broker.take(out)).fields.routingKey).toBe(odd);
  });

  it.each<[string, Work, RegExp]>([
    [
      'a long routing key',
      (ctx) => ctx.publish('', 'x'.repeat(256), {}),
      /^the routing key has 256 bytes, and AMQP allows 255/,
    ],
    [
      'large headers',
      (ctx) => ctx.publish('', out, {}, { headers: { h: 'x'.repeat(70_000) } }),
      /^the headers are larger than 65536 bytes/,
    ],
    [
      'a header that is a function',
      (ctx) => ctx.publish('', out, {}, { headers: { f: () => 1 } }),
      /^the header "f" cannot be a function/,
    ],
    [
      'a large body',
      (ctx) => ctx.publish('', out, Buffer.alloc(4_194_305)),
      /^the body has 4194305 bytes, more than HOLDFAST_MAX_BODY/,
    ],
  ])('that never can be sent, %s, are refused at the call', async (name, work, words) => {
    await handle(name, async (ctx) => {
      await ctx.publish('', out, { neighbour: true });
      await work(ctx);
    });
    const { outcome } = await holdfast.outcome(name, 'dead-letter');
    expect(outcome).toMatchObject({
      error: { name: 'UnpublishableError', message: expect.stringMatching(words) },
    });
    expect(await world.database.query('select from holdfast.outbox_message')).toEqual([]);
    expect(await world.broker.depth(out)).toBe(0);
  });

  it('that are not written after all fail their message with the error of Postgres, and nothing of it is committed', async () => {
    await world.database.query(
      "alter table holdfast.outbox_message add constraint no_evil check (message_id <> 'evil')",
    );
    await handle('evil', async (ctx) => {
      await ctx.sql.query("insert into effect values ('evil', $1)", [ctx.id]);
      await ctx.publish('', out, {}, { messageId: 'good' });
      await ctx.publish('', out, {}, { messageId: 'evil' });
    });
    const { outcome } = await holdfast.outcome('evil', 'dead-letter');
    expect(outcome).toMatchObject({
      error: { message: expect.stringContaining('violates check constraint "no_evil"') },
    });
    expect(await world.effects('evil')).toBe(0);
    expect(await world.database.query('select from holdfast.outbox_message')).toEqual([]);
    expect(await world.broker.depth(out)).toBe(0);
  });

  it('of a handler that swallowed an SQL error are not blamed for it', async () => {
    await handle('swallowed', async (ctx) => {
      await ctx.publish('', out, {});
      await ctx.sql.query('select 1 / 0').catch(() => undefined);
    });
    const { outcome } = await holdfast.outcome('swallowed', 'dead-letter');
    expect(outcome).toMatchObject({ error: { name: 'SwallowedSqlError' } });
    expect(await world.broker.depth(out)).toBe(0);
  });

  it('that come after the handler has returned are refused, and not lost in silence', async () => {
    const late = new Promise<unknown>((resolve) => {
      void handle('late', (ctx) => {
        setTimeout(() => void ctx.publish('', out, {}).then(resolve, resolve), 200);
      });
    });
    await holdfast.outcome('late', 'completed');
    expect(String(await late)).toContain('the transaction of this message has ended');
    expect(await world.broker.depth(out)).toBe(0);
  });

  it('change nothing of what was published when their buffer is used again', async () => {
    await handle('reused', async (ctx) => {
      const buffer = Buffer.from('first');
      await ctx.publish('', out, buffer);
      buffer.write('second');
      await ctx.publish('', out, buffer);
    });
    await holdfast.outcome('reused', 'completed');
    expect((await world.broker.take(out)).content.toString()).toBe('first');
    expect((await world.broker.take(out)).content.toString()).toBe('secon');
  });
});
