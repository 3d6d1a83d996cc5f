import type { ChannelModel } from 'amqplib';
import { UNREADABLE_HEADERS } from '../message/message.module';

/** What is used of amqplib's connection: not in its types; `test/scenarios/headers-cannot-be-read` watches over it. */
interface FrameReader {
  /** What has come and is not read yet. */
  rest: Buffer;
  recvFrame(): unknown;
}

interface HeaderFrame {
  readonly fields: { headers?: unknown };
}

/** AMQP 0-9-1, 2.3.5: type, channel, size, payload, end. */
const FRAME = { type: 0, size: 3, payload: 7, end: 1 } as const;
const CONTENT_HEADER = 2;
/** In the payload of a content header: class, weight and size of the body, then flags, then the properties that they name. */
const FLAGS = FRAME.payload + 12;
const PROPERTIES = FLAGS + 2;
const HAS_CONTENT_TYPE = 0x8000;
const HAS_CONTENT_ENCODING = 0x4000;
const HAS_HEADERS = 0x2000;

/**
 * Keeps a connection alive over messages whose header table amqplib cannot read: it reads tables by recursion, and some 4,000 of them in
 * each other, 28 KB that every broker takes, overflow the stack. What that throws would end the connection, and with it every consumer; the
 * broker delivers the message again on the next one, and so on. Here such a message arrives with `UNREADABLE_HEADERS` instead.
 */
export function surviveUnreadableHeaders(model: ChannelModel): void {
  const reader = model.connection as unknown as FrameReader;
  const read = reader.recvFrame.bind(reader);
  reader.recvFrame = () => {
    const before = reader.rest;
    try {
      return read();
    } catch (error) {
      const readable = withoutHeaders(before);
      // A frame that is refused before it is taken off is broken itself.
      if (!readable || reader.rest === before) throw error;
      reader.rest = Buffer.concat([readable, reader.rest]);
      const frame = read() as HeaderFrame;
      frame.fields.headers = UNREADABLE_HEADERS;
      return frame;
    }
  };
}

/** The first frame without its header table; undefined when it is no whole content header with one. */
function withoutHeaders(bytes: Buffer): Buffer | undefined {
  if (bytes.length < PROPERTIES || bytes[FRAME.type] !== CONTENT_HEADER) return undefined;
  const end = FRAME.payload + bytes.readUInt32BE(FRAME.size);
  const flags = bytes.readUInt16BE(FLAGS);
  if (bytes.length < end + FRAME.end || (flags & HAS_HEADERS) === 0) return undefined;

  let table = PROPERTIES;
  for (const before of [HAS_CONTENT_TYPE, HAS_CONTENT_ENCODING])
    if ((flags & before) !== 0) table += 1 + bytes.readUInt8(table);
  const tableEnd = table + 4 + bytes.readUInt32BE(table);

  const frame = Buffer.concat([bytes.subarray(0, table), bytes.subarray(tableEnd, end + FRAME.end)]);
  frame.writeUInt16BE(flags & ~HAS_HEADERS, FLAGS);
  frame.writeUInt32BE(end - FRAME.payload - (tableEnd - table), FRAME.size);
  return frame;
}
