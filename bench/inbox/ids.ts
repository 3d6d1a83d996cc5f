import { randomBytes, randomUUID } from 'node:crypto';

/** How producers make transaction ids: at random (UUID v4), or so that they grow with time (UUID v7). */
export type IdKind = 'v4' | 'v7';

export function newId(kind: IdKind): string {
  return kind === 'v4' ? randomUUID() : uuidV7(Date.now(), randomBytes(10));
}

/** Pure. @param random ten bytes. */
export function uuidV7(atMs: number, random: Buffer): string {
  const bytes = Buffer.concat([Buffer.alloc(6), random]);
  bytes.writeUIntBE(atMs, 0, 6);
  bytes[6] = (bytes[6]! & 0x0f) | 0x70;
  bytes[8] = (bytes[8]! & 0x3f) | 0x80;
  const hex = bytes.toString('hex');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}

/** The same for the fill, as SQL on the row number `i` and its time `at`: the hash of a number is as random as need be, and twice as fast. */
export const ID_SQL: Readonly<Record<IdKind, string>> = {
  v4: "md5(i::text || 'holdfast')::uuid::text",
  v7: `(lpad(to_hex((extract(epoch from at) * 1000)::bigint), 12, '0') || '7' || substr(md5(i::text || 'holdfast'), 1, 19))::uuid::text`,
};
