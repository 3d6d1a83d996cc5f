import type { ConsumeMessage } from 'amqplib';
import fc from 'fast-check';
import { anything } from '../../test/support/hostile-values';
import { headerTable } from '../../test/support/amqp-arbitraries';
import { UNREADABLE_HEADERS, type Delivery } from '../message/message.module';
import { readDelivery } from './delivery-reader';
import { HEADER } from './headers';

const DUE = 'holdfast.due';
const TEN_YEARS_MS = 3_650 * 86_400_000;

function read(headers: unknown, exchange = 'shop'): Delivery {
  const fields = { exchange, routingKey: 'order.created', redelivered: false };
  return readDelivery(
    { fields, properties: { headers }, content: Buffer.alloc(0) } as unknown as ConsumeMessage,
    'q',
    DUE,
  );
}

describe('readDelivery', () => {
  it.each<[string, unknown, Partial<Delivery>]>([
    ['no headers', undefined, { attempt: 1, exchange: 'shop', routingKey: 'order.created', headers: {} }],
    ['a count', { 'x-retry-count': 2 }, { attempt: 3 }],
    ['a count in words', { 'x-retry-count': '2' }, { attempt: 3 }],
    ['a count below zero', { 'x-retry-count': -1 }, { attempt: 1 }],
    ['a count that is none', { 'x-retry-count': { n: 2 } }, { attempt: 1 }],
    ['a count that no column of the inbox holds', { 'x-retry-count': 3_000_000_000 }, { attempt: 1_000_001 }],
    [
      'an origin',
      { 'holdfast-origin-exchange': 'a', 'holdfast-origin-routing-key': 'b' },
      { exchange: 'a', routingKey: 'b' },
    ],
    [
      'an origin longer than names are',
      { 'holdfast-origin-exchange': 'ä'.repeat(128) },
      { exchange: 'shop' },
    ],
    [
      'a first failure',
      { 'holdfast-first-failed-at': '2026-01-01T00:00:00.000Z' },
      { firstFailedAt: '2026-01-01T00:00:00.000Z' },
    ],
    [
      'a first failure at no time',
      { 'holdfast-first-failed-at': 'x'.repeat(60_000) },
      { firstFailedAt: undefined },
    ],
    ['a replay longer than names are', { 'holdfast-replay': 'x'.repeat(256) }, { replay: undefined }],
    ['a token that is none', { 'holdfast-copy-token': "'; drop table" }, { copyToken: undefined }],
    ['a wish of the producer to wait', { 'holdfast-delay-left': 60_000 }, { delayLeftMs: 0 }],
  ])('of %s', (_, headers, expected) => {
    expect(read(headers)).toMatchObject(expected);
  });

  it('lets only what came back through the due exchange wait, ten years at most', () => {
    expect(read({ 'holdfast-delay-left': 60_000 }, DUE)).toMatchObject({
      viaRetry: true,
      delayLeftMs: 60_000,
    });
    expect(read({ 'holdfast-delay-left': 1e15 }, DUE)).toMatchObject({ delayLeftMs: TEN_YEARS_MS });
  });

  it('takes a header named __proto__ for a header', () => {
    const { headers, attempt } = read(Object.setPrototypeOf({ tenant: 'x' }, { 'x-retry-count': 7 }));
    expect(attempt).toBe(1);
    expect(Object.entries(headers)).toEqual([
      ['tenant', 'x'],
      ['__proto__', { 'x-retry-count': 7 }],
    ]);
  });

  it('knows headers that could not be read', () => {
    expect(read(UNREADABLE_HEADERS).headers).toBe(UNREADABLE_HEADERS);
  });

  it.each<[string, unknown, boolean]>([
    [
      'of a broker',
      [{ count: 1, reason: 'rejected', queue: 'q', time: { '!': 'timestamp', value: 1 } }],
      true,
    ],
    ['without a count', [{ queue: 'q', reason: 'rejected' }, { count: null }], true],
    ['that is empty', [], true],
    ['that is no list, which the broker puts aside', 'x', true],
    ['of texts', ['x'], false],
    ['of lists', [[]], false],
    ['of nothing', [null], false],
    ['of bytes', [Buffer.from('x')], false],
    ['of times', [{ '!': 'timestamp', value: 1 }], false],
    ['that counts in words', [{ queue: 'q', reason: 'rejected', count: 'x' }], false],
    ['that counts in parts', [{ count: 0.5 }], false],
  ])('hands on a death history %s only where the broker survives it', (_, deaths, readable) => {
    expect(read({ 'x-death': deaths, tenant: 'x' }).headers === UNREADABLE_HEADERS).toBe(!readable);
  });

  it('believes nothing without bounds, whatever the headers are', () => {
    const known = fc.record(Object.fromEntries(Object.values(HEADER).map((name) => [name, anything()])), {
      requiredKeys: [],
      noNullPrototype: true,
    });
    fc.assert(
      fc.property(headerTable, known, fc.constantFrom('shop', DUE), (table, ours, exchange) => {
        const made = Object.entries(ours).map(([name, hostile]) => [name, hostile?.make()] as const);
        const delivery = read({ ...table, ...Object.fromEntries(made) }, exchange);
        expect(delivery.attempt).toBeGreaterThanOrEqual(1);
        expect(delivery.attempt).toBeLessThanOrEqual(1_000_001);
        expect(delivery.delayLeftMs).toBeGreaterThanOrEqual(0);
        expect(delivery.delayLeftMs).toBeLessThanOrEqual(exchange === DUE ? TEN_YEARS_MS : 0);
        for (const name of [delivery.exchange, delivery.routingKey, delivery.replay ?? ''])
          expect(Buffer.byteLength(name)).toBeLessThanOrEqual(255);
        expect(delivery.firstFailedAt ?? '0000-00-00T00:00:00.000Z').toHaveLength(24);
      }),
    );
  });
});
