import * as fc from 'fast-check';
import { confirmSieve } from './amqp-frames';

function frame(type: number, payload: Buffer, channel = 1): Buffer {
  const header = Buffer.alloc(7);
  header.writeUInt8(type, 0);
  header.writeUInt16BE(channel, 1);
  header.writeUInt32BE(payload.length, 3);
  return Buffer.concat([header, payload, Buffer.from([0xce])]);
}

function method(classId: number, methodId: number, rest: string | Buffer = ''): Buffer {
  const ids = Buffer.alloc(4);
  ids.writeUInt16BE(classId, 0);
  ids.writeUInt16BE(methodId, 2);
  return frame(1, Buffer.concat([ids, Buffer.from(rest)]));
}

const ack = (tag: number): Buffer => method(60, 80, Buffer.from([0, 0, 0, 0, 0, 0, 0, tag, 0]));
const nack = (tag: number): Buffer => method(60, 120, Buffer.from([0, 0, 0, 0, 0, 0, 0, tag, 0]));
const HEARTBEAT = frame(8, Buffer.alloc(0), 0);

const others = {
  'a delivery': method(60, 60, 'consumer'),
  'a return': method(60, 50, 'unroutable'),
  'an answer': method(50, 11),
  'a confirm.select-ok': method(85, 11),
  'a method 80 of another class': method(50, 80),
  'a header': frame(2, Buffer.from([0, 60, 0, 80, 0, 0])),
  'a body that looks like a confirm': frame(3, ack(1)),
  'a heartbeat': HEARTBEAT,
};

function sift(chunks: readonly Buffer[], isSwallowing: () => boolean): Buffer {
  const sieve = confirmSieve(isSwallowing);
  const forwarded: Buffer[] = [];
  for (const chunk of chunks) expect(sieve.sift(chunk, (bytes) => forwarded.push(bytes))).toBe(true);
  return Buffer.concat(forwarded);
}

describe('the frames of a broker', () => {
  it.each([
    ['an acknowledgement', ack(7)],
    ['a refusal', nack(7)],
  ])('are kept from the publisher when they are %s', (_, bytes) => {
    expect(sift([bytes], () => true)).toEqual(Buffer.alloc(0));
    expect(sift([bytes], () => false)).toEqual(bytes);
  });

  it.each(Object.entries(others))('pass when they are %s', (_, bytes) => {
    expect(sift([bytes], () => true)).toEqual(bytes);
  });

  it('are bytes like any others where nobody speaks AMQP', () => {
    const refusal = Buffer.from('AMQP\0\0\x09\x01');
    expect(sift([refusal, ack(1)], () => true)).toEqual(Buffer.concat([refusal, ack(1)]));
  });

  it('stay whole, however they are cut into chunks and whenever the swallowing begins and ends', () => {
    const other = fc.oneof(
      fc.constantFrom(...Object.values(others)),
      fc.uint8Array({ maxLength: 90 }).map((bytes) => frame(3, Buffer.from(bytes))),
    );
    const confirm = fc.integer({ min: 1, max: 255 }).chain((tag) => fc.constantFrom(ack(tag), nack(tag)));
    const drawn = fc.oneof(
      other.map((bytes) => ({ bytes, isConfirm: false })),
      confirm.map((bytes) => ({ bytes, isConfirm: true })),
    );
    const cuts = fc.array(fc.record({ size: fc.integer({ min: 1, max: 40 }), swallows: fc.boolean() }), {
      minLength: 1,
    });
    fc.assert(
      fc.property(fc.array(drawn), cuts, (frames, chunks) => {
        let swallows = false;
        const sieve = confirmSieve(() => swallows);
        const stream = Buffer.concat(frames.map(({ bytes }) => bytes));
        const forwarded: Buffer[] = [];
        for (let at = 0, i = 0; at < stream.length; i++) {
          const chunk = chunks[i % chunks.length]!;
          swallows = chunk.swallows;
          sieve.sift(stream.subarray(at, at + chunk.size), (bytes) => forwarded.push(bytes));
          at += chunk.size;
        }
        expect(sieve.rest()).toEqual(Buffer.alloc(0));
        const all = chunks.every((chunk) => !chunk.swallows);
        const none = chunks.every((chunk) => chunk.swallows);
        let rest = Buffer.concat(forwarded);
        for (const { bytes, isConfirm } of frames) {
          const isThere = rest.subarray(0, bytes.length).equals(bytes);
          if (!isConfirm || all) expect(isThere).toBe(true);
          if (isThere && !(isConfirm && none)) rest = rest.subarray(bytes.length);
        }
        expect(rest).toEqual(Buffer.alloc(0));
      }),
    );
  });
});
