import { createHash, randomBytes } from 'node:crypto';

/** A new id that sorts by its time of birth (UUID version 7), so that the inbox's index grows at one end. */
export function newTransactionId(now = Date.now()): string {
  const bytes = randomBytes(16);
  bytes.writeUIntBE(now, 0, 6);
  return format(bytes, 7);
}

/**
 * The id of a message that was sent with an Idempotency-Key: always the same for the same key of the same caller. Should the
 * process die between publishing and writing its answer down, the repetition publishes a duplicate, which has no effect.
 */
export function transactionIdFor(caller: string, idempotencyKey: string): string {
  const digest = createHash('sha256')
    .update(JSON.stringify([caller, idempotencyKey]))
    .digest();
  return format(digest.subarray(0, 16), 8);
}

function format(bytes: Buffer, version: number): string {
  bytes.writeUInt8((bytes.readUInt8(6) & 0x0f) | (version << 4), 6);
  bytes.writeUInt8((bytes.readUInt8(8) & 0x3f) | 0x80, 8);
  const hex = bytes.toString('hex');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}
