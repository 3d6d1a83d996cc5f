import fc from 'fast-check';
import { headerTable, headerValue, overTheWire } from '../../test/support/amqp-arbitraries';
import { UNREADABLE_HEADERS, type Delivery, type DeliveryProperties } from '../message/message.module';
import { readDelivery } from './delivery-reader';
import { HEADER, isBrokerHeader } from './headers';
import { UnpublishableError } from './unpublishable-error';
import { copyOf, type CopyHeaders, type Publication } from './publication';

const DUE = 'holdfast.due';
const STEERING = ['CC', 'BCC', 'expiration', 'userId', 'clusterId'];
const text = (maxLength: number) => fc.string({ unit: 'binary', maxLength });

const properties: fc.Arbitrary<DeliveryProperties> = fc.record(
  {
    messageId: text(80),
    correlationId: text(80),
    contentType: text(20),
    type: text(20),
    userId: text(20),
    expiration: fc.nat().map(String),
    clusterId: text(20),
    priority: fc.nat(255),
    timestamp: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }).map(Number),
    deliveryMode: fc.constantFrom(1, 2),
  },
  { requiredKeys: [], noNullPrototype: true },
);

const delivery = fc
  .record({
    headers: headerTable,
    properties,
    exchange: text(255),
    routingKey: text(255),
    viaRetry: fc.boolean(),
  })
  .map(({ headers, properties: own, exchange, routingKey, viaRetry }) =>
    received({ exchange, routingKey, body: Buffer.from('body'), properties: own, headers }, viaRetry),
  );

const ours: fc.Arbitrary<CopyHeaders> = fc.record({
  failedAttempts: fc.nat(),
  token: fc.option(fc.uuid(), { nil: undefined }),
  dueAt: fc.date({ noInvalidDate: true }).map(Number),
  delayLeftMs: fc.nat(),
  reason: text(500),
  error: fc.nat(10_000).map((length) => 'é'.repeat(length)),
  stack: fc.nat(10_000).map((length) => '€'.repeat(length)),
  handler: text(500),
  firstFailedAt: fc
    .date({ noInvalidDate: true, min: new Date(0), max: new Date('9999-01-01') })
    .map((at) => at.toISOString()),
  lastFailedAt: fc
    .date({ noInvalidDate: true, min: new Date(0), max: new Date('9999-01-01') })
    .map((at) => at.toISOString()),
});

/** What a consumer gets of a publication. */
function received(published: Publication, viaRetry: boolean): Delivery {
  const { exchange, routingKey, body, properties: own, headers } = published;
  const fields = {
    exchange: viaRetry ? DUE : exchange,
    routingKey,
    redelivered: false,
    deliveryTag: 1,
    consumerTag: 'c',
  };
  const message = { fields, properties: { ...own, headers }, content: body } as unknown as Parameters<
    typeof readDelivery
  >[0];
  return readDelivery(message, 'orders', DUE);
}

const isOurs = (name: string): boolean => (Object.values(HEADER) as string[]).includes(name);
const bytesOf = (name: string, value: unknown): number =>
  1 + Buffer.byteLength(name) + 1 + (typeof value === 'string' ? 4 + Buffer.byteLength(value) : 8);

describe('copyOf, of any message', () => {
  it('keeps the body and what the producer said, and can be written by amqplib', () => {
    fc.assert(
      fc.property(delivery, ours, (one, own) => {
        const copy = copyOf(one, 'to', 'key', own);
        expect(copy).toMatchObject({ exchange: 'to', routingKey: 'key' });
        expect(copy.body).toBe(one.body);
        const read = overTheWire(copy.headers);
        expect(
          Object.keys(copy.headers).filter((name) => name.startsWith('holdfast-') && !isOurs(name)),
        ).toEqual([]);
        for (const [name, value] of Object.entries(one.headers)) {
          if (name === '__proto__' || isBrokerHeader(name) || isOurs(name) || name.startsWith('holdfast-'))
            continue;
          expect(sameAs(read[name], value)).toBe(true);
        }
      }),
      { numRuns: 300 },
    );
  });

  it('never carries what would reroute, expire or refuse it, or a count of the broker', () => {
    fc.assert(
      fc.property(delivery, ours, (one, own) => {
        const { headers, properties: kept } = copyOf(one, 'to', 'key', own);
        expect(Object.keys(headers).filter(isBrokerHeader)).toEqual([]);
        expect([kept.expiration, kept.userId]).toEqual([undefined, undefined]);
        for (const [name, value] of Object.entries(one.properties))
          if (!['expiration', 'userId', 'clusterId', 'timestamp', 'headers'].includes(name))
            expect(kept).toHaveProperty(name, value);
        expect(kept.timestamp ?? 0).toBeLessThan(2 ** 64);
      }),
    );
  });

  it('has less than 8 KiB of our own, all of it well-formed, and JSON of what it could not carry', () => {
    fc.assert(
      fc.property(delivery, ours, (one, own) => {
        const { headers } = copyOf(one, 'to', 'key', own);
        const written = Object.entries(headers).filter(([name]) => isOurs(name));
        expect(written.reduce((sum, [name, value]) => sum + bytesOf(name, value), 0)).toBeLessThan(8_192);
        const origin = headers[HEADER.originProperties];
        const withheld = STEERING.filter(
          (name) =>
            (one.properties as Record<string, unknown>)[name] !== undefined ||
            (!one.viaRetry && Object.hasOwn(one.headers, name)),
        );
        if (typeof origin === 'string') expect(Buffer.byteLength(origin)).toBeLessThanOrEqual(1_024);
        expect(Object.keys(JSON.parse((origin as string | undefined) ?? '{}') as object)).toEqual(
          expect.arrayContaining(withheld),
        );
      }),
    );
  });

  it('goes without text that amqplib has read and cannot write, unless it is to come back', () => {
    fc.assert(
      fc.property(delivery, ours, fc.integer({ min: 1, max: 255 }), (one, own, length) => {
        const type = '\ufffd'.repeat(length);
        const odd = { ...one, properties: { ...one.properties, type } };
        const { properties: kept, headers } = copyOf(odd, 'to', 'key', {
          ...own,
          dueAt: undefined,
        });
        expect(kept.type).toBe(length > 85 ? undefined : type);
        if (length > 85) expect(headers[HEADER.originProperties]).toContain('"type":');
        const comesBack = (): unknown => copyOf(odd, 'to', 'key', own);
        if (length > 85) expect(comesBack).toThrow(UnpublishableError);
        else expect(comesBack).not.toThrow();
      }),
    );
  });

  it('has no headers of the producer where those could not be read, and says so', () => {
    fc.assert(
      fc.property(delivery, ours, (one, own) => {
        const { headers, body } = copyOf({ ...one, headers: UNREADABLE_HEADERS }, 'to', 'key', own);
        expect(Object.keys(headers).filter((name) => !isOurs(name))).toEqual([]);
        expect(JSON.parse(String(headers[HEADER.originProperties]))).toMatchObject({
          headers: 'could not be read',
        });
        expect(body).toBe(one.body);
      }),
    );
  });

  it('of a copy says the same of where it came from as the first copy did', () => {
    fc.assert(
      fc.property(delivery, ours, ours, (one, first, second) => {
        const copy = copyOf(one, 'tier', 'orders', first);
        const again = copyOf(received(copy, true), 'tier', 'orders', second);
        for (const name of [HEADER.originExchange, HEADER.originRoutingKey, HEADER.originProperties])
          expect(again.headers[name]).toEqual(copy.headers[name]);
        expect(again.headers[HEADER.firstFailedAt]).toBe(copy.headers[HEADER.firstFailedAt]);
      }),
    );
  });
});

describe('a header value that amqplib has read', () => {
  it('is the same after any number of copies', () => {
    fc.assert(
      fc.property(headerValue, (value) => {
        let at: unknown = value;
        for (let hop = 0; hop < 3; hop++) {
          const one = received(
            { exchange: '', routingKey: '', body: Buffer.alloc(0), properties: {}, headers: { x: at } },
            true,
          );
          at = overTheWire(copyOf(one, '', '', { failedAttempts: 1, token: undefined }).headers)['x'];
        }
        expect(sameAs(at, value)).toBe(true);
      }),
      { numRuns: 300 },
    );
  });
});

/** As JavaScript sees them: -0 is 0, and the last timestamps before 2^64 are one. */
function sameAs(read: unknown, value: unknown): boolean {
  if (typeof value === 'number')
    return read === value || (value >= 2 ** 64 - 2 ** 11 && typeof read === 'number');
  if (typeof value !== 'object' || value === null) return read === value;
  if (typeof read !== 'object' || read === null) return false;
  if (Buffer.isBuffer(value)) return Buffer.isBuffer(read) && value.equals(read);
  const names = Object.keys(value);
  const [prototype, expected] = [read, value].map((table): unknown => Object.getPrototypeOf(table));
  const isPlain = Array.isArray(value) || expected === Object.prototype;
  return (
    (isPlain ? prototype === expected : sameAs(prototype, expected)) &&
    Array.isArray(value) === Array.isArray(read) &&
    names.length === Object.keys(read).length &&
    names.every((name) =>
      sameAs((read as Record<string, unknown>)[name], (value as Record<string, unknown>)[name]),
    )
  );
}
