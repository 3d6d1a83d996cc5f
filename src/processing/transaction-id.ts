import { createHash } from 'node:crypto';
import { Rejected, type Delivery } from '../message/message.module';
import type { HandlerDefinition } from '../registration/registration.module';

const LONGEST = 512;

/** The id a producer gave the message: the AMQP message-id, else the header `x-transaction-id`. */
export function producerId(delivery: Delivery): string | undefined {
  const { messageId } = delivery.properties;
  if (typeof messageId === 'string' && messageId !== '') return messageId;
  const header = delivery.headers['x-transaction-id'];
  return typeof header === 'string' && header !== '' ? header : undefined;
}

/**
 * The transaction id of a message, as its consumer sees it.
 * @returns undefined when it has none and may be handled without.
 * @throws Rejected `missing-transaction-id` when it has none, or one that cannot be a key.
 */
export function transactionIdOf(
  delivery: Delivery,
  payload: unknown,
  {
    transactionId,
    onMissingTransactionId,
  }: Pick<HandlerDefinition, 'transactionId' | 'onMissingTransactionId'>,
): string | undefined {
  const id = transactionId ? callSafely(transactionId, payload, delivery) : producerId(delivery);
  if (id === undefined || id === '') {
    if (onMissingTransactionId === 'process') return undefined;
    throw new Rejected(
      'missing-transaction-id',
      'the message has neither a message-id nor a header x-transaction-id; let the producer set one, or give the consumer a transactionId function',
    );
  }
  if (typeof id !== 'string' || Buffer.byteLength(id) > LONGEST || id.includes('\0') || !id.isWellFormed()) {
    throw new Rejected(
      'missing-transaction-id',
      `the transaction id cannot be used: it must be text of at most ${LONGEST} bytes without NUL, and is ${typeof id === 'string' ? `${Buffer.byteLength(id)} bytes of text` : `a ${typeof id}`}`,
    );
  }
  return id;
}

/** What a delivery is known by before anything of it has been decoded. */
export function deliveryKey(delivery: Delivery): string {
  const id = producerId(delivery);
  if (id !== undefined && Buffer.byteLength(id) <= LONGEST && !id.includes('\0') && id.isWellFormed())
    return `id:${id}`;
  return `body:${createHash('sha256').update(delivery.body).digest('base64url')}`;
}

function callSafely(
  find: NonNullable<HandlerDefinition['transactionId']>,
  payload: unknown,
  delivery: Delivery,
): unknown {
  try {
    return find({ payload, delivery });
  } catch (error) {
    throw new Rejected(
      'missing-transaction-id',
      `the consumer's transactionId function failed: ${String(error)}`,
      { cause: error },
    );
  }
}
