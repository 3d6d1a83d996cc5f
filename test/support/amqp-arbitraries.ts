import { dirname, join } from 'node:path';
import fc from 'fast-check';

interface Codec {
  encodeTable(buffer: Buffer, table: object, offset: number): number;
  decodeFields(bytes: Buffer): Record<string, unknown>;
}

/** amqplib's own way of writing and reading header tables; it does not export it. */
const codec = jest.requireActual<Codec>(join(dirname(require.resolve('amqplib')), 'lib', 'codec'));

const scratch = Buffer.alloc(1_000_000);

/** What a reader gets of the headers that are written. @throws what amqplib throws when it cannot write them. */
export function overTheWire(headers: object): Record<string, unknown> {
  const size = codec.encodeTable(scratch, headers, 0);
  return codec.decodeFields(Buffer.from(scratch.subarray(4, size)));
}

/** Names that mean something to somebody, and others. Short strings have at most 255 bytes. */
export const headerName = fc.oneof(
  fc.constantFrom(
    'tenant',
    'traceparent',
    '!',
    'value',
    'constructor',
    'hasOwnProperty',
    '',
    'x-death',
    'CC',
    'BCC',
  ),
  fc.constantFrom(
    'x-retry-count',
    'holdfast-error',
    'holdfast-origin-properties',
    'x-delivery-count',
    'x-first-death-queue',
    'holdfast-of-a-producer',
  ),
  fc.string({ unit: 'grapheme', maxLength: 20 }),
);

const int64 = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map(Number);

const single = fc.oneof(
  fc.boolean(),
  fc.constant(null),
  fc.string({ unit: 'grapheme' }),
  fc.uint8Array().map((bytes) => Buffer.from(bytes)),
  fc.integer(),
  int64,
  // The broker takes neither.
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc
    .bigInt({ min: 0n, max: 2n ** 64n - 1n })
    .map((seconds) => ({ '!': 'timestamp', value: Number(seconds) })),
  fc
    .tuple(fc.nat(255), fc.nat(2 ** 32 - 1))
    .map(([places, digits]) => ({ '!': 'decimal', value: { places, digits } })),
);

/** A header value as amqplib reads it. */
export const headerValue = fc.letrec<{ value: unknown; table: Record<string, unknown> }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    single,
    fc.array(tie('value'), { maxLength: 4 }),
    tie('table'),
  ),
  table: tableOf(tie('value')),
})).value;

/** The headers of a message as amqplib reads them. */
export const headerTable = tableOf(headerValue);

/** A key `__proto__` becomes the prototype: that is how amqplib reads it. */
function tableOf(value: fc.Arbitrary<unknown>): fc.Arbitrary<Record<string, unknown>> {
  const entries = fc.dictionary(headerName, value, { maxKeys: 6, noNullPrototype: true });
  const prototype = fc.option(
    fc.oneof(fc.constant(null), fc.dictionary(headerName, single, { maxKeys: 2, noNullPrototype: true })),
    {
      nil: undefined,
      freq: 8,
    },
  );
  return fc
    .tuple(entries, prototype)
    .map(([table, proto]) =>
      proto === undefined ? table : (Object.setPrototypeOf(table, proto) as Record<string, unknown>),
    );
}
