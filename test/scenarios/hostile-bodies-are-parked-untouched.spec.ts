import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync } from 'node:zlib';
import { Type } from 'class-transformer';
import { IsInt, IsString, Min, ValidateNested } from 'class-validator';
import { z } from 'zod';
import { ReliableConsumer, type MessageContext } from 'holdfast';
import { takeDeadLetter } from '../support/dead-letters';
import { aQueue, World, type RunningHoldfast } from '../support/holdfast';

const any = aQueue('any');
const byZod = aQueue('zod');
const byClass = aQueue('class');
const byFunction = aQueue('standard');

const Order = z.object({
  id: z.string(),
  amount: z.coerce.number().int().positive(),
  currency: z.string().default('EUR'),
});

class Item {
  @IsString()
  sku!: string;

  @IsInt()
  @Min(1)
  count!: number;
}
class Cart {
  @IsString()
  id!: string;

  @ValidateNested({ each: true })
  @Type(() => Item)
  items!: Item[];

  total(): number {
    return this.items.reduce((sum, { count }) => sum + count, 0);
  }
}
/** A Standard Schema of no library. */
const evenNumber = {
  '~standard': {
    version: 1 as const,
    vendor: 'ours',
    validate: (value: unknown) =>
      typeof value === 'number' && value % 2 === 0
        ? { value: value / 2 }
        : { issues: [{ message: 'must be an even number' }] },
  },
};

class Handlers {
  readonly got = new Map<string, unknown>();

  @ReliableConsumer(any)
  async onAny(payload: unknown, ctx: MessageContext): Promise<void> {
    await this.keep(ctx, payload);
  }

  @ReliableConsumer({ queue: byZod, schema: Order })
  async onOrder(order: z.infer<typeof Order>, ctx: MessageContext): Promise<void> {
    await this.keep(ctx, order);
  }

  @ReliableConsumer({ queue: byClass, schema: Cart })
  async onCart(cart: Cart, ctx: MessageContext): Promise<void> {
    await this.keep(ctx, { isCart: cart instanceof Cart, total: cart.total() });
  }

  @ReliableConsumer({ queue: byFunction, schema: evenNumber })
  async onNumber(half: number, ctx: MessageContext): Promise<void> {
    await this.keep(ctx, half);
  }

  private async keep(ctx: MessageContext, value: unknown): Promise<void> {
    await ctx.tx.query('insert into effect values ($1, $2)', ['kept', ctx.id]);
    this.got.set(ctx.id, value);
  }
}

const order = { id: 'ä', amount: 3 };
const json = Buffer.from(JSON.stringify(order));
const nested = (depth: number): Buffer => Buffer.from(`${'['.repeat(depth)}${']'.repeat(depth)}`);

describe('bodies are decoded and validated, and hostile ones are parked untouched', () => {
  let world: World;
  let holdfast: RunningHoldfast;
  const got = (id: string): unknown => holdfast.app.get(Handlers).got.get(id);

  beforeAll(async () => {
    world = await World.create();
    holdfast = await world.start({
      handlers: [Handlers],
      variables: { HOLDFAST_MAX_BODY: '100KiB', HOLDFAST_MAX_INFLATED: '1MiB', HOLDFAST_MAX_DEPTH: '20' },
    });
  });
  afterAll(() => world.remove());

  it.each<[string, Buffer, object, unknown]>([
    ['JSON', json, {}, order],
    ['JSON without a content-type', json, { contentType: undefined }, order],
    ['JSON of a vendor', json, { contentType: 'application/vnd.shop+json; charset=utf-8' }, order],
    [
      'JSON in UTF-16',
      Buffer.from(json.toString(), 'utf16le'),
      { contentType: 'application/json; charset=utf-16le' },
      order,
    ],
    ['gzip', gzipSync(json), { contentEncoding: 'gzip' }, order],
    ['deflate', deflateSync(json), { contentEncoding: 'deflate' }, order],
    ['raw deflate', deflateRawSync(json), { contentEncoding: 'deflate' }, order],
    ['br', brotliCompressSync(json), { contentEncoding: 'br' }, order],
    ['twice compressed', brotliCompressSync(gzipSync(json)), { contentEncoding: 'gzip, br' }, order],
    ['text', Buffer.from('grüße'), { contentType: 'text/plain' }, 'grüße'],
    ['bytes', Buffer.from([0, 255]), { contentType: 'application/octet-stream' }, Buffer.from([0, 255])],
    ['the deepest that is allowed', nested(20), {}, JSON.parse(nested(20).toString())],
    [
      'a large body, inflated elsewhere',
      gzipSync(Buffer.from(JSON.stringify('x'.repeat(900_000)))),
      { contentEncoding: 'gzip' },
      'x'.repeat(900_000),
    ],
  ])('%s reaches the handler', async (name, body, options, value) => {
    await world.broker.send(any, name, body, options);
    await holdfast.outcome(name, 'completed');
    expect(got(name)).toEqual(value);
  });

  it.each<[string, Buffer, object, string, RegExp]>([
    ['no JSON', Buffer.from('{"id": 1,'), {}, 'malformed', /JSON/],
    ['nothing at all', Buffer.alloc(0), {}, 'malformed', /JSON|empty/],
    ['no UTF-8', Buffer.from([0x22, 0xff, 0xfe, 0x22]), {}, 'malformed', /utf-8/i],
    [
      'a coding nobody knows',
      json,
      { contentEncoding: 'zstd' },
      'malformed',
      /content-encoding "zstd" is not supported/,
    ],
    [
      'a charset nobody knows',
      json,
      { contentType: 'application/json; charset=ebcdic' },
      'malformed',
      /ebcdic/,
    ],
    ['gzip that is none', json, { contentEncoding: 'gzip' }, 'malformed', /gzip/],
    [
      'gzip that was cut off',
      gzipSync(json).subarray(0, 20),
      { contentEncoding: 'gzip' },
      'malformed',
      /gzip/,
    ],
    ['too large', Buffer.alloc(102_401, 0x20), {}, 'too-large', /102401 bytes; the limit is 102400/],
    ['too deep', nested(21), {}, 'too-large', /20/],
    ['a bomb', gzipSync(Buffer.alloc(50_000_000)), { contentEncoding: 'gzip' }, 'too-large', /1048576/],
    [
      'a bomb in a bomb',
      gzipSync(gzipSync(Buffer.alloc(200_000_000))),
      { contentEncoding: 'gzip, gzip' },
      'too-large',
      /1048576/,
    ],
    [
      'a brotli bomb',
      brotliCompressSync(Buffer.alloc(20_000_000)),
      { contentEncoding: 'br' },
      'too-large',
      /1048576/,
    ],
    ['four codings', json, { contentEncoding: 'gzip, gzip, gzip, gzip' }, 'malformed', /at most 3/],
  ])('%s is a dead letter at once, byte for byte', async (name, body, options, reason, error) => {
    await world.broker.send(any, name, body, { correlationId: 'kept', headers: { tenant: 'x' }, ...options });
    const dead = await takeDeadLetter(world, any);
    expect(dead).toMatchObject({ reason, headers: { tenant: 'x', 'x-retry-count': 1 } });
    expect(dead.error).toMatch(error);
    expect(dead.body.equals(body)).toBe(true);
    expect(dead.properties).toMatchObject({ messageId: name, correlationId: 'kept' });
    expect(dead.properties.contentEncoding).toBe((options as { contentEncoding?: string }).contentEncoding);
    expect(await world.effects('kept', name)).toBe(0);
  });

  it('what a schema makes of a message is what the handler gets', async () => {
    await world.broker.send(byZod, 'z-1', { id: 'z', amount: '42', extra: true });
    await holdfast.outcome('z-1', 'completed');
    expect(got('z-1')).toEqual({ id: 'z', amount: 42, currency: 'EUR' });
  });

  it('an instance of the class, where the schema is a class', async () => {
    await world.broker.send(byClass, 'c-1', {
      id: 'c',
      items: [
        { sku: 'a', count: 2 },
        { sku: 'b', count: 3 },
      ],
    });
    await holdfast.outcome('c-1', 'completed');
    expect(got('c-1')).toEqual({ isCart: true, total: 5 });
  });

  it('any Standard Schema', async () => {
    await world.broker.send(byFunction, 's-1', 84);
    await holdfast.outcome('s-1', 'completed');
    expect(got('s-1')).toBe(42);
  });

  it.each<[string, string, unknown, RegExp]>([
    ['zod', byZod, { id: 7, amount: -1 }, /id: .*; amount: /],
    ['zod, not even an object', byZod, [], /expected object/],
    [
      'a class',
      byClass,
      { id: 'c', items: [{ sku: 'a', count: 0 }] },
      /items\[0\]\.count: count must not be less than 1/,
    ],
    ['a class, not even an object', byClass, 'text', /expected an object, got string/],
    ['a Standard Schema', byFunction, 3, /must be an even number/],
  ])('a message that breaks the rules is invalid at once (%s)', async (name, queue, payload, error) => {
    const body = Buffer.from(JSON.stringify(payload, undefined, 3));
    await world.broker.send(queue, name, body);
    const dead = await takeDeadLetter(world, queue);
    expect(dead).toMatchObject({ reason: 'invalid', headers: { 'x-retry-count': 1 } });
    expect(dead.error).toMatch(error);
    expect(dead.body.equals(body)).toBe(true);
  });
});
