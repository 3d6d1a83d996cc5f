import fc from 'fast-check';
import { headerTable, overTheWire } from '../../test/support/amqp-arbitraries';
import type { Publication } from './publication';
import { publishable } from './publishable';
import { UnpublishableError } from './unpublishable-error';

const withHeaders = (headers: Record<string, unknown>): Publication => ({
  exchange: 'shop',
  routingKey: 'order.accepted',
  body: Buffer.from('{}'),
  properties: { messageId: 'm' },
  headers,
});

const anything = fc.dictionary(
  fc.string({ maxLength: 300 }),
  fc.oneof(
    fc.anything({
      withBigInt: true,
      withDate: true,
      withMap: true,
      withTypedArray: true,
      withSparseArray: true,
      withUnicodeString: true,
    } as never),
    fc.record({
      '!': fc.constantFrom(
        'byte',
        'uint8',
        'short',
        'uint32',
        'long',
        'timestamp',
        'float',
        'decimal',
        'object',
        'odd',
      ),
      value: fc.oneof(
        fc.maxSafeInteger(),
        fc.bigInt(),
        fc.double(),
        fc.string(),
        fc.record({ places: fc.integer(), digits: fc.integer() }),
      ),
    }),
  ),
  { maxKeys: 5 },
);

describe('what gets through the judgement of a publication', () => {
  it('can be written by amqplib, whatever its headers are', () => {
    let through = 0;
    fc.assert(
      fc.property(anything, (headers) => {
        let judged: Publication;
        try {
          judged = publishable(withHeaders(headers));
        } catch (error) {
          expect(error).toBeInstanceOf(UnpublishableError);
          return;
        }
        through++;
        expect(() => overTheWire(judged.headers)).not.toThrow();
      }),
      { numRuns: 2_000 },
    );
    expect(through).toBeGreaterThan(100);
  });

  it('is on the wire what amqplib makes of the original', () => {
    fc.assert(
      fc.property(headerTable, (headers) => {
        const plain = { ...headers };
        delete plain['CC'];
        delete plain['BCC'];
        let original: Record<string, unknown>;
        try {
          original = overTheWire(JSON.parse(JSON.stringify(plain)) as object);
        } catch {
          return;
        }
        expect(
          overTheWire(publishable(withHeaders(JSON.parse(JSON.stringify(plain)) as never)).headers),
        ).toEqual(original);
      }),
    );
  });

  it('is a copy: nothing that its publisher changes later shows in it', () => {
    const bytes = Buffer.from('before');
    const headers = { list: [1], table: { a: 1 }, bytes };
    const judged = publishable(withHeaders(headers));
    headers.list.push(2);
    headers.table.a = 2;
    bytes.fill(0);
    expect(judged.headers).toEqual({ list: [1], table: { a: 1 }, bytes: Buffer.from('before') });
  });

  it('may fill the table that amqplib writes to its last byte, and not one more', () => {
    const filling = (bytes: number): Record<string, unknown> => ({ h: 'x'.repeat(bytes) });
    // 4 for the table, 2 for the name, 5 for the text.
    expect(() => publishable(withHeaders(filling(65_536 - 11)))).not.toThrow();
    expect(() => publishable(withHeaders(filling(65_536 - 10)))).toThrow('larger than 65536 bytes');
  });
});

const loop: Record<string, unknown> = {};
loop['loop'] = loop;

describe('a publication that can never be sent', () => {
  it.each<[string, Partial<Publication>, string]>([
    ['a long exchange', { exchange: 'é'.repeat(128) }, 'the exchange has 256 bytes, and AMQP allows 255'],
    ['a long routing key', { routingKey: 'x'.repeat(256) }, 'the routing key has 256 bytes'],
    ['no text as routing key', { routingKey: 7 as never }, 'the routing key must be text, and is 7'],
    ['a long message id', { properties: { messageId: 'x'.repeat(300) } }, 'messageId has 300 bytes'],
    [
      'a priority out of range',
      { properties: { priority: 256 } },
      'priority must be a whole number from 0 to 255, and is 256',
    ],
    ['a user id', { properties: { userId: 'guest' } }, 'userId is no property that can be published'],
    ['a long header name', { headers: { ['n'.repeat(256)]: 1 } }, 'a header name has 256 bytes'],
    ['a function', { headers: { f: () => 1 } }, 'the header "f" cannot be a function'],
    ['an infinite number', { headers: { n: Infinity } }, 'the header "n" cannot be Infinity'],
    ['a bigint', { headers: { n: 1n } }, 'the header "n" cannot be 1'],
    [
      'a number that does not fit its type',
      { headers: { n: { '!': 'byte', value: 300 } } },
      'it does not fit a byte',
    ],
    ['a type that does not exist', { headers: { n: { '!': 'odd', value: 1 } } }, 'it is no odd'],
    [
      'a carbon copy that closes the channel',
      { headers: { CC: 'queue' } },
      'the header "CC" cannot be "queue"',
    ],
    ['itself', { headers: loop }, 'nested more than 1000 deep, or contains itself'],
  ])('because of %s is refused with words that mend it', (_, odd, words) => {
    const judge = (): unknown => publishable({ ...withHeaders({}), ...odd });
    expect(judge).toThrow(UnpublishableError);
    expect(judge).toThrow(words);
  });
});
