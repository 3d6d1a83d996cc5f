import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { field, long, nested, short, table, uint64, type Field, type WireProperties } from './wire';

/** A message as it goes over the wire; what is unique about it is for the test to add. */
export interface HostileMessage {
  readonly properties: WireProperties;
  readonly body: Buffer;
}

const MAX_BODY = 64 * 1024;
/** More than amqplib writes again (64 KiB), less than a frame of RabbitMQ (128 KiB). */
const HUGE_HEADER = 100 * 1024;

const bytes = (max: number): fc.Arbitrary<Buffer> =>
  fc.uint8Array({ maxLength: max }).map((array) => Buffer.from(array));
const shortText = (...texts: (string | Buffer)[]): fc.Arbitrary<Buffer> =>
  fc.oneof(
    fc.constantFrom(...texts).map(short),
    bytes(255).map(short),
    fc.string({ unit: 'grapheme', maxLength: 20 }).map(short),
  );

/** Bodies at every limit and beyond, and text that is nearly right. */
const plainBody = fc.oneof(
  fc.json().map((json) => Buffer.from(json)),
  bytes(300),
  fc
    .constantFrom(
      '',
      'null',
      '\ufeff{"bom":true}',
      '\ufeff',
      '{"a":1,"a":2}',
      '{"__proto__":{"admin":true}}',
      '{"constructor":{"prototype":{"admin":true}}}',
      '1e400',
      '123456789012345678901234567890',
      '"\\ud800"',
      '"a\\u0000b"',
      '"a\0b"',
      '{"a":1',
      '[1,]',
      'undefined',
      '['.repeat(30_000) + ']'.repeat(30_000),
      '{"a":'.repeat(10_000) + '1' + '}'.repeat(10_000),
      '['.repeat(60_000),
    )
    .map((text) => Buffer.from(text)),
  fc.constantFrom(
    Buffer.from([0x22, 0xed, 0xa0, 0x80, 0x22]),
    Buffer.from([0xff, 0xfe, 0x7b, 0x00]),
    Buffer.from([0xc0, 0x80]),
  ),
  fc
    .constantFrom(MAX_BODY - 1, MAX_BODY, MAX_BODY + 1, 4 * MAX_BODY)
    .map((length) => Buffer.alloc(length, '1')),
);
const BOMBS = [
  gzipSync(Buffer.alloc(8_000_000)),
  brotliCompressSync(Buffer.alloc(8_000_000, '[')),
  gzipSync(gzipSync(Buffer.alloc(30_000_000))),
];
const COMPRESS = { gzip: gzipSync, deflate: deflateSync, br: brotliCompressSync } as const;

const content: fc.Arbitrary<{ body: Buffer; encoding?: Buffer }> = fc.oneof(
  { weight: 4, arbitrary: plainBody.map((body) => ({ body })) },
  {
    weight: 2,
    arbitrary: fc
      .tuple(
        fc.json(),
        fc.constantFrom('gzip' as const, 'deflate' as const, 'br' as const),
        fc.option(fc.nat(), { nil: undefined }),
      )
      .map(([json, coding, cut]) => {
        const whole = COMPRESS[coding](Buffer.from(json));
        return {
          body: cut === undefined ? whole : whole.subarray(0, cut % whole.length),
          encoding: short(coding),
        };
      }),
  },
  {
    weight: 1,
    arbitrary: fc
      .tuple(fc.constantFrom(...BOMBS), fc.constantFrom('gzip', 'br', 'gzip, gzip', 'deflate'))
      .map(([body, coding]) => ({ body, encoding: short(coding) })),
  },
  {
    weight: 1,
    arbitrary: fc
      .tuple(plainBody, shortText('gzip, gzip, gzip, gzip', 'zstd', 'identity, ,', 'utf-8', '__proto__'))
      .map(([body, encoding]) => ({ body, encoding })),
  },
);

const name: fc.Arbitrary<string | Buffer> = fc.oneof(
  fc.constantFrom(
    'tenant',
    '__proto__',
    'constructor',
    'toString',
    '!',
    '',
    'é'.repeat(127),
    'traceparent',
    'tracestate',
  ),
  bytes(255),
  fc.string({ maxLength: 20 }),
);
/** Every type that RabbitMQ takes, with any value of it; it refuses NaN and infinite numbers. */
const value: fc.Arbitrary<Field> = fc.letrec<{ value: Field }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.oneof(
      fc.oneof(fc.string({ unit: 'grapheme' }), bytes(100)).map((text) => field.text(text)),
      bytes(100).map((some) => field.bytes(some)),
      fc.constant(field.nothing()),
      fc.nat(255).map((octet) => field.raw('t', Buffer.from([octet]))),
      fc.double({ noNaN: true, noDefaultInfinity: true }).map((number) => field.double(number)),
      fc.float({ noNaN: true, noDefaultInfinity: true }).map((number) => {
        const four = Buffer.alloc(4);
        four.writeFloatBE(number);
        return field.raw('f', four);
      }),
      fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map((number) => field.int64(number)),
      fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }).map((seconds) => field.raw('T', uint64(seconds))),
      fc
        .tuple(
          fc.constantFrom(...Object.entries({ b: 1, B: 1, s: 2, u: 2, I: 4, i: 4, D: 5 })),
          fc.uint8Array({ minLength: 5, maxLength: 5 }),
        )
        .map(([[type, size], some]) => field.raw(type, Buffer.from(some.subarray(0, size)))),
    ),
    fc.array(tie('value'), { maxLength: 4 }).map((values) => field.list(values)),
    fc.array(fc.tuple(name, tie('value')), { maxLength: 4 }).map((entries) => field.table(entries)),
  ),
})).value;

const STEERING: readonly (readonly [string, Field])[] = [
  ['x-retry-count', field.int64(3_000_000_000n)],
  ['x-retry-count', field.int64(-1n)],
  ['x-retry-count', field.text('1')],
  ['x-death', field.list([field.table([['count', field.int64(9n)]])])],
  ['x-death', field.list([field.text('x')])],
  [
    'x-death',
    field.list([
      field.table([
        ['reason', field.text('rejected')],
        ['count', field.text('x')],
      ]),
    ]),
  ],
  ['CC', field.list([field.text('nowhere'), field.text('q'.repeat(200)), field.nothing()])],
  ['BCC', field.list([field.text('nowhere')])],
  ['holdfast-origin-exchange', field.text('x'.repeat(300))],
  ['holdfast-delay-left', field.int64(3_600_000n)],
  ['holdfast-origin-properties', field.text('{"CC":["nowhere"]}')],
  [
    '__proto__',
    field.table([
      ['x-retry-count', field.int64(9n)],
      ['CC', field.list([field.text('nowhere')])],
    ]),
  ],
];

/** Headers that the broker or we act on. `CC` and `BCC` must be lists of text, or the broker refuses the message. */
const steering: fc.Arbitrary<readonly [string, Field]> = fc.oneof(
  fc.tuple(
    fc.constantFrom(
      'x-retry-count',
      'x-death',
      'x-first-death-queue',
      'x-first-death-reason',
      'x-last-death-exchange',
      'x-delivery-count',
      'x-acquired-count',
      'x-transaction-id',
      'holdfast-copy-token',
      'holdfast-delay-left',
      'holdfast-due-at',
      'holdfast-error',
      'holdfast-first-failed-at',
      'holdfast-origin-exchange',
      'holdfast-origin-properties',
      'holdfast-origin-routing-key',
      'holdfast-reason',
      'holdfast-replay',
      'holdfast-stack',
    ),
    value,
  ),
  fc.constantFrom<readonly [string, Field]>(...STEERING),
);
const headers: fc.Arbitrary<Buffer | undefined> = fc.oneof(
  { weight: 3, arbitrary: fc.constant(undefined) },
  {
    weight: 8,
    arbitrary: fc
      .array(fc.oneof(fc.tuple(name, value), steering), { maxLength: 6 })
      .map((entries) => table(entries)),
  },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      table([['huge', field.text(Buffer.alloc(HUGE_HEADER, 'x'))]]),
      table([['huge', field.bytes(Buffer.alloc(HUGE_HEADER, 0xff))]]),
    ),
  },
  {
    weight: 1,
    arbitrary: fc.constant(table(Array.from({ length: 5_000 }, (_, i) => [`h${i}`, field.nothing()]))),
  },
  {
    weight: 1,
    arbitrary: fc
      .tuple(
        fc.constantFrom('tables' as const, 'lists' as const),
        fc.constantFrom(50, 1_000, 3_000, 5_000, 17_000),
      )
      .map(([kind, depth]) => nested(kind, depth)),
  },
);

const properties: fc.Arbitrary<WireProperties> = fc.record(
  {
    contentType: shortText(
      'application/json',
      'text/plain; charset=utf-16le',
      'application/json; charset=ebcdic',
      'application/octet-stream',
      '+json',
      ';;',
    ),
    messageId: shortText(
      '',
      'é'.repeat(127),
      'a\0b',
      Buffer.alloc(255, 0xff),
      Buffer.alloc(255, 'x'),
      Buffer.from([0xed, 0xa0, 0x80]),
    ),
    type: shortText('order.created', '__proto__'),
    replyTo: shortText('somewhere'),
    appId: shortText('an app'),
    priority: fc.nat(255).map((octet) => Buffer.from([octet])),
    deliveryMode: fc.constantFrom(Buffer.from([1]), Buffer.from([2])),
    timestamp: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }).map(uint64),
    clusterId: shortText('a cluster'),
    expiration: fc.constant('86400000'),
  },
  { requiredKeys: [], noNullPrototype: true },
);

const message: fc.Arbitrary<HostileMessage> = fc
  .tuple(content, properties, headers)
  .map(([{ body, encoding }, own, tableOfHeaders]) => ({
    body,
    properties: {
      ...own,
      ...(encoding !== undefined && { contentEncoding: encoding }),
      ...(tableOfHeaders !== undefined && { headers: tableOfHeaders }),
    },
  }));

/** The same messages again for the same seed. RabbitMQ takes every one of them. */
export function hostileMessages(seed: number, count: number): HostileMessage[] {
  return fc.sample(message, { seed, numRuns: count });
}

/** Each header that steers somebody, on a message that always fails and so is copied: to a tier, and to the dead letters. */
export function failingMessages(): HostileMessage[] {
  const body = Buffer.from('{"fails":true}');
  // Twice, because the test sends them to two queues in turn.
  return STEERING.flatMap((header) => [header, header]).map((header) => ({
    body,
    properties: { headers: table([header]) },
  }));
}

/** What RabbitMQ does not take: it closes the channel or the connection of whoever sends it. */
export const REFUSED: Readonly<Record<string, WireProperties>> = {
  'a type nobody knows': { headers: table([['a', field.raw('Q', Buffer.alloc(4))]]) },
  'a text longer than its table': { headers: table([['a', field.raw('S', Buffer.from([0, 0, 1, 0]))]]) },
  'a table longer than its frame': { headers: Buffer.from([0x7f, 0, 0, 0]) },
  NaN: { headers: table([['a', field.double(NaN)]]) },
  'a header frame larger than frames': {
    headers: long(Buffer.concat([short('a'), field.text(Buffer.alloc(200 * 1024))])),
  },
  'a delivery mode nobody knows': { deliveryMode: Buffer.from([9]) },
  'an expiration that is no number': { expiration: 'soon' },
  'CC that is no list': { headers: table([['CC', field.text('nowhere')]]) },
  'another user’s name': { userId: 'somebody else' },
};
