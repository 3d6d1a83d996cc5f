import fc from 'fast-check';
import type { Publication } from '../broker/broker.module';
import { fromStored, toStored } from './stored-form';

/** What Postgres and pg make of the columns; it refuses NUL and what is no Unicode. */
function asRead(stored: ReturnType<typeof toStored>): Parameters<typeof fromStored>[0] {
  for (const text of Object.values<string | null>({ ...stored })) {
    const written: string = text ?? '';
    expect(written).not.toContain('\0');
    expect(written.isWellFormed()).toBe(true);
  }
  for (const json of [stored.properties, stored.headers]) expect(json).not.toContain('\\u0000');
  return {
    ...stored,
    properties: JSON.parse(stored.properties) as Publication['properties'],
    headers: JSON.parse(stored.headers) as Record<string, unknown>,
  };
}

const text = fc.oneof(
  fc.string({ unit: 'grapheme' }),
  fc.constantFrom('\0', 'a\0b', '\\u0000', '\\\0', 'bytes', 'list'),
);
const single = fc.oneof(
  text,
  fc.boolean(),
  fc.constant(null),
  fc.integer(),
  fc.double({ noNaN: true, noDefaultInfinity: true }).map((number) => number + 0),
  fc.uint8Array({ maxLength: 8 }).map((bytes) => Buffer.from(bytes)),
);
const headers = fc.dictionary(
  text,
  fc.letrec<{ value: unknown }>((tie) => ({
    value: fc.oneof(
      { depthSize: 'small', withCrossShrink: true },
      single,
      fc.array(tie('value'), { maxLength: 4 }),
      fc.dictionary(text, tie('value'), { maxKeys: 4, noNullPrototype: true }),
    ),
  })).value,
  { maxKeys: 5, noNullPrototype: true },
);

describe('a publication in its row', () => {
  it('is read as it was written, whatever is in it', () => {
    fc.assert(
      fc.property(
        fc.record({
          exchange: text,
          routingKey: text,
          headers,
          properties: fc.record(
            { messageId: text, type: text, correlationId: text, priority: fc.nat(255) },
            { requiredKeys: ['messageId'] },
          ),
        }),
        (publication) => {
          expect(fromStored(asRead(toStored(publication)))).toEqual(publication);
        },
      ),
      { numRuns: 500 },
    );
  });

  it.each<[string, Record<string, unknown>, boolean]>([
    ['plain values', { tenant: 'a', deep: { list: [1, 'two', null, true] } }, false],
    ['NUL', { tenant: 'a\0b' }, true],
    ['NUL in a name', { 'a\0b': 1 }, true],
    ['bytes', { deep: [{ bytes: Buffer.from([0, 255]) }] }, true],
    ['what only looks like bytes', { looks: { type: 'Buffer', data: [1] } }, false],
  ])('with %s is written a second time only where it must be', (_, given, twice) => {
    const { exact } = toStored({
      exchange: 'x',
      routingKey: 'k',
      properties: { messageId: 'm' },
      headers: given,
    });
    expect(exact !== null).toBe(twice);
  });

  it('shows people what it can of what Postgres cannot hold', () => {
    const stored = toStored({
      exchange: 'a\0b',
      routingKey: '',
      properties: { messageId: 'm\0' },
      headers: { name: 'c\0d' },
    });
    expect(stored).toMatchObject({
      exchange: 'a\ufffdb',
      message_id: 'm\ufffd',
      headers: '{"name":"c\\ufffdd"}',
    });
  });
});
