import type { ConfirmChannel } from 'amqplib';

/** A field of a header table as it goes over the wire: one byte that names the type, then the value. */
export type Field = Buffer;

/** In the order in which AMQP writes them; the first has the highest bit of the flags. */
const PROPERTIES = [
  'contentType',
  'contentEncoding',
  'headers',
  'deliveryMode',
  'priority',
  'correlationId',
  'replyTo',
  'expiration',
  'messageId',
  'timestamp',
  'type',
  'userId',
  'appId',
  'clusterId',
] as const;

/** Text becomes a short string; a Buffer goes out as it is, with whatever length is written in it. */
export type WireProperties = Partial<Record<(typeof PROPERTIES)[number], string | Buffer>>;

const BASIC = 60;
const PUBLISH = 40;
const FRAME_END = 0xce;
const LARGEST_PAYLOAD = 100_000;

/** What amqplib keeps of a channel: its number, and how it waits for the confirm of what it did not write itself. */
interface Internals {
  readonly ch: number;
  readonly connection: { readonly stream: { write(bytes: Buffer): void } };
  pushConfirmCallback(callback: (error: Error | null) => void): void;
}

/**
 * Publishes what amqplib cannot or will not write: header tables byte by byte, strings that are no UTF-8. Resolves when the broker has
 * confirmed it, and rejects when the broker refuses it, which closes the channel or the connection.
 */
export function publishRaw(
  channel: ConfirmChannel,
  queue: string,
  properties: WireProperties,
  body: Buffer,
): Promise<void> {
  const { ch, connection } = channel as unknown as Internals;
  const method = Buffer.concat([
    uint16(BASIC),
    uint16(PUBLISH),
    uint16(0),
    short(''),
    short(queue),
    uint8(0),
  ]);
  const present = PROPERTIES.map((name) => properties[name]);
  const flags = present.reduce<number>((bits, value, i) => bits | (value === undefined ? 0 : 0x8000 >> i), 0);
  const values = present.map((value) =>
    typeof value === 'string' ? short(value) : (value ?? Buffer.alloc(0)),
  );
  const header = Buffer.concat([uint16(BASIC), uint16(0), uint64(body.length), uint16(flags), ...values]);
  const frames = [frame(1, ch, method), frame(2, ch, header)];
  for (let at = 0; at < body.length; at += LARGEST_PAYLOAD)
    frames.push(frame(3, ch, body.subarray(at, at + LARGEST_PAYLOAD)));
  return new Promise((resolve, reject) => {
    (channel as unknown as Internals).pushConfirmCallback((error) => {
      if (error) reject(error);
      else resolve();
    });
    connection.stream.write(Buffer.concat(frames));
  });
}

export function table(entries: readonly (readonly [name: string | Buffer, value: Field])[]): Buffer {
  return long(Buffer.concat(entries.flatMap(([name, value]) => [short(name), value])));
}

/** Values with the type that is asked for, right or wrong. */
export const field = {
  text: (value: string | Buffer): Field => tagged('S', long(value)),
  bytes: (value: Buffer): Field => tagged('x', long(value)),
  table: (entries: Parameters<typeof table>[0]): Field => tagged('F', table(entries)),
  list: (values: readonly Field[]): Field => tagged('A', long(Buffer.concat(values))),
  nothing: (): Field => tagged('V', Buffer.alloc(0)),
  /** Any type by its letter, with any bytes after it. */
  raw: (type: string, value: Buffer): Field => tagged(type, value),
  double: (value: number): Field => {
    const bytes = Buffer.alloc(8);
    bytes.writeDoubleBE(value);
    return tagged('d', bytes);
  },
  int64: (value: bigint): Field => {
    const bytes = Buffer.alloc(8);
    bytes.writeBigInt64BE(value);
    return tagged('l', bytes);
  },
};

/** Tables in tables, or lists in lists: made from the outside, because what nests so deep cannot be made by recursion. */
export function nested(kind: 'tables' | 'lists', depth: number): Buffer {
  const level = kind === 'tables' ? Buffer.from('\x01aF\0\0\0\0') : Buffer.from('A\0\0\0\0');
  const levels = Buffer.concat(Array.from({ length: depth }, () => level));
  for (let i = 0; i < depth; i++) {
    const end = (i + 1) * level.length;
    levels.writeUInt32BE(levels.length - end, end - 4);
  }
  return long(kind === 'tables' ? levels : Buffer.concat([short('a'), levels]));
}

export function uint64(value: number | bigint): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(BigInt(value));
  return bytes;
}

export function short(value: string | Buffer): Buffer {
  const bytes = Buffer.from(value);
  return Buffer.concat([uint8(bytes.length), bytes]);
}

export function long(value: string | Buffer): Buffer {
  const bytes = Buffer.from(value);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(bytes.length);
  return Buffer.concat([length, bytes]);
}

function tagged(type: string, value: Buffer): Field {
  return Buffer.concat([Buffer.from(type, 'latin1'), value]);
}

function frame(type: number, channel: number, payload: Buffer): Buffer {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(payload.length);
  return Buffer.concat([uint8(type), uint16(channel), length, payload, uint8(FRAME_END)]);
}

function uint8(value: number): Buffer {
  return Buffer.from([value]);
}

function uint16(value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16BE(value);
  return bytes;
}
