import fc from 'fast-check';
import { anything } from '../../test/support/hostile-values';
import { describeError, Rejected, type Delivery } from '../message/message.module';
import { deliveryKey, producerId, transactionIdOf } from './transaction-id';

const delivery = (
  messageId: unknown,
  headers: Record<string, unknown> = {},
  body = Buffer.from('body'),
): Delivery => ({ properties: { messageId }, headers, body }) as unknown as Delivery;
const required = { transactionId: undefined, onMissingTransactionId: 'dead-letter' as const };

/** The id, `none`, or the reason of the refusal. */
function found(one: Delivery, options: Parameters<typeof transactionIdOf>[2] = required): string {
  try {
    return transactionIdOf(one, {}, options) ?? 'none';
  } catch (error) {
    if (error instanceof Rejected) return error.deadLetterReason;
    throw error;
  }
}

describe('the transaction id', () => {
  it.each<[string, Delivery, string]>([
    ['the message-id', delivery('m', { 'x-transaction-id': 'h' }), 'm'],
    ['the header where there is no message-id', delivery(undefined, { 'x-transaction-id': 'h' }), 'h'],
    ['the header where the message-id is empty', delivery('', { 'x-transaction-id': 'h' }), 'h'],
    ['missing where there is neither', delivery(undefined), 'missing-transaction-id'],
    [
      'missing where the header is no text',
      delivery(undefined, { 'x-transaction-id': 7 }),
      'missing-transaction-id',
    ],
    ['at most 512 bytes', delivery('é'.repeat(256)), 'é'.repeat(256)],
    ['not a byte more', delivery(`${'é'.repeat(256)}x`), 'missing-transaction-id'],
    ['no text with NUL', delivery('a\0b'), 'missing-transaction-id'],
    ['no half of a character', delivery('\ud800'), 'missing-transaction-id'],
  ])('is %s', (_, one, id) => {
    expect(found(one)).toBe(id);
  });

  it('may be missing where the consumer says so', () => {
    expect(found(delivery(undefined), { ...required, onMissingTransactionId: 'process' })).toBe('none');
  });

  it('is a key that Postgres takes, or a precise refusal, whatever the producer and the consumer’s own function say', () => {
    const options = fc.tuple(
      fc.boolean(),
      fc.constantFrom('dead-letter' as const, 'process' as const),
      anything(),
    );
    fc.assert(
      fc.property(
        anything(),
        anything(),
        options,
        (messageId, header, [own, onMissingTransactionId, answer]) => {
          // A handler's function is called with what was decoded; what it throws is told with `String`, so nothing hostile here.
          const transactionId = own ? () => describeError(answer.make()).message : undefined;
          const one = delivery(text(messageId.make()), { 'x-transaction-id': header.make() });
          const id = found(one, { transactionId, onMissingTransactionId });
          expect(Buffer.byteLength(id)).toBeLessThanOrEqual(512);
          expect(id).not.toContain('\0');
          expect(id.isWellFormed()).toBe(true);
          expect(deliveryKey(one)).toMatch(/^id:.|^body:./s);
          expect(Buffer.byteLength(deliveryKey(one))).toBeLessThanOrEqual(515);
        },
      ),
    );
  });

  it('of a suspect is the producer’s where it can be stored, and else told by the body', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.nat(40), fc.uint8Array(), (part, times, bytes) => {
        const id = part.repeat(times);
        const body = Buffer.from(bytes);
        const usable = id !== '' && Buffer.byteLength(id) <= 512 && !id.includes('\0') && id.isWellFormed();
        const key = deliveryKey(delivery(id, {}, body));
        expect(key === `id:${id}`).toBe(usable);
        if (!usable) expect(key).toBe(deliveryKey(delivery(undefined, {}, body)));
        expect(producerId(delivery(id))).toBe(id === '' ? undefined : id);
      }),
    );
  });
});

/** AMQP has text for a message-id, or none. */
function text(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}
