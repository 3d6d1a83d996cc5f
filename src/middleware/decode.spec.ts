import type { Duplex } from 'node:stream';
import zlib from 'node:zlib';
import { Rejected, type MiddlewareContext } from '../message/message.module';
import { createDecode, decodeBody, type ContentHeaders, type DecodeLimits } from './decode';

const MIB = 1024 * 1024;
const limits: DecodeLimits = { maxBodyBytes: 16 * MIB, maxInflatedBytes: 64 * MIB, maxDepth: 100 };
const order = { id: 'o-1', total: 12.5, note: 'ünï€😀' };
const json = Buffer.from(JSON.stringify(order));

async function decode(body: Buffer | string, headers: ContentHeaders = {}, own = limits): Promise<unknown> {
  return decodeBody(Buffer.from(body), headers, own);
}

async function rejection(
  body: Buffer | string,
  headers: ContentHeaders = {},
  own: Partial<DecodeLimits> = {},
): Promise<Rejected> {
  const error: unknown = await decode(body, headers, { ...limits, ...own }).then(
    (value) => value,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(Rejected);
  return error as Rejected;
}

function nested(depth: number, open = '[', close = ']'): string {
  return open.repeat(depth) + close.repeat(depth);
}

describe('content-type', () => {
  it.each([
    [undefined, order],
    ['', order],
    ['application/json', order],
    ['Application/JSON ; Charset="UTF-8"', order],
    ['application/json;charset=utf-8;profile=x', order],
    ['application/vnd.shop.order+json', order],
    ['application/cloudevents+json; charset=utf-8', order],
    ['text/json', order],
    ['text/plain', json.toString()],
    ['text/csv; charset=utf8', json.toString()],
    ['text/plain; charset=latin1', json.toString('latin1')],
    ['application/octet-stream', json],
    ['application/x-protobuf', json],
    ['application/jsonx', json],
    ['rubbish', json],
    ['__proto__', json],
    [';;;=', order],
  ])('%j gives what it says', async (contentType, value) => {
    expect(await decode(json, { contentType })).toEqual(value);
  });

  it.each([
    ['text/plain; charset=utf-16le', Buffer.from('ün😀', 'utf16le'), 'ün😀'],
    ['text/plain; charset=iso-8859-1', Buffer.from('fünf', 'latin1'), 'fünf'],
    ['text/plain; charset=us-ascii', Buffer.from('five'), 'five'],
    ['text/plain', Buffer.alloc(0), ''],
    ['text/plain', Buffer.from('\ufeffmarked'), 'marked'],
    ['application/json', Buffer.from('\ufeff{"a":1}'), { a: 1 }],
    ['application/json; charset=utf-16le', Buffer.from('{"a":"é"}', 'utf16le'), { a: 'é' }],
  ])('%s reads its bytes', async (contentType, body, value) => {
    expect(await decode(body, { contentType })).toEqual(value);
  });

  it.each([
    ['text/plain; charset=shift_jis', Buffer.from('x'), 'charset "shift_jis" is not supported'],
    ['text/plain; charset=__proto__', Buffer.from('x'), 'charset "__proto__" is not supported'],
    ['text/plain; charset=', Buffer.from('x'), 'charset "" is not supported'],
    ['text/plain', Buffer.from([0x61, 0xff, 0x62]), 'not UTF-8: broken at byte 1 (0xff)'],
    ['text/plain', Buffer.from([0x61, 0xe2, 0x82]), 'not UTF-8: broken at byte'],
    ['text/plain', Buffer.from([0xc0, 0x80]), 'broken at byte 0 (0xc0)'],
    ['text/plain', Buffer.from([0xed, 0xa0, 0x80]), 'broken at byte 0 (0xed)'],
    ['application/json', Buffer.from([0x22, 0xf8, 0x22]), 'broken at byte 1 (0xf8)'],
    [
      'text/plain',
      Buffer.concat([Buffer.alloc(2 * MIB, 'a'), Buffer.from([0xff])]),
      'broken after byte 1048576',
    ],
    ['text/plain; charset=us-ascii', Buffer.from('fünf'), 'not ASCII: broken at byte 1 (0xc3)'],
    ['text/plain; charset=utf-16le', Buffer.from([0x61, 0x00, 0x62]), 'not UTF-16LE'],
    ['text/plain; charset=utf-16le', Buffer.from([0x00, 0xd8, 0x61, 0x00]), 'not UTF-16LE: broken at byte 0'],
  ])('%s refuses what it is not: %p', async (contentType, body, words) => {
    const error = await rejection(body, { contentType });
    expect(error.deadLetterReason).toBe('malformed');
    expect(error.message).toContain(words);
  });
});

describe('JSON', () => {
  it.each([
    ['', 'the body is empty'],
    ['\ufeff', 'the body is empty'],
    [' ', 'Unexpected end of JSON input'],
    ['{"a":1', 'at position 6'],
    ['{"a":01}', 'at position 6'],
    ["{'a':1}", 'is not JSON'],
    ['undefined', 'is not JSON'],
    ['NaN', 'is not JSON'],
    ['[1,]', 'is not JSON'],
    ['{"a":"\u0000"}', 'Bad control character'],
    ['{"a":1}{"b":2}', 'at position 7'],
    ['\u0000', 'is not JSON'],
    ['['.repeat(50), 'is not JSON'],
  ])('%j is malformed', async (body, words) => {
    const error = await rejection(body);
    expect(error.deadLetterReason).toBe('malformed');
    expect(error.message).toContain(words);
    expect(error.message.length).toBeLessThan(400);
  });

  it.each([
    ['null', null],
    ['"text"', 'text'],
    ['9007199254740993', 9007199254740992],
    ['1e400', Infinity],
    ['-0', -0],
    [`1${'0'.repeat(10_000)}`, Infinity],
    ['"\\ud800"', '\ud800'],
    ['"\\u0000"', '\u0000'],
    ['{"a":1,"a":2}', { a: 2 }],
  ])('%.40s is what JSON.parse makes of it', async (body, value) => {
    expect(await decode(body)).toEqual(value);
  });

  it('keeps __proto__ an ordinary key', async () => {
    const value = (await decode(
      '{"__proto__":{"polluted":true},"constructor":{"prototype":{"polluted":true}}}',
    )) as object;
    expect(Object.getPrototypeOf(value)).toBe(Object.prototype);
    expect(Object.keys(value)).toEqual(['__proto__', 'constructor']);
    expect(({} as { polluted?: boolean }).polluted).toBeUndefined();
  });

  it.each([
    ['arrays', nested(100)],
    ['objects', `${'{"a":'.repeat(99)}{}${'}'.repeat(99)}`],
    ['brackets in strings', JSON.stringify({ a: '[['.repeat(500), '{"\\': '"]' })],
    ['an escaped quote before brackets', JSON.stringify([`"${'['.repeat(300)}`, `\\${'{'.repeat(300)}`])],
    ['many side by side', `[${Array.from({ length: 5_000 }, () => '{}').join()}]`],
  ])('takes %s within the depth', async (_what, body) => {
    expect(await decode(body)).toEqual(JSON.parse(body));
  });

  it.each([
    ['arrays', nested(101), 100],
    ['objects', `${'{"a":'.repeat(100)}{}${'}'.repeat(100)}`, 500],
    ['200,000 levels', nested(200_000), 100],
    ['200,000 levels of objects', `${'{"a":'.repeat(200_000)}1${'}'.repeat(200_000)}`, 500],
    ['after a string that looks like the end', `["]]]]\\"]",${nested(100)}]`, 110],
    ['levels that are never closed', '['.repeat(200_000), 100],
  ])('refuses %s beyond the depth', async (_what, body, position) => {
    const error = await rejection(body);
    expect(error.deadLetterReason).toBe('too-large');
    expect(error.message).toBe(
      `the JSON is nested deeper than the limit of 100 levels (maxDepth), at character ${position}`,
    );
  });

  it.each([
    [1, '{}', undefined],
    [1, '[[]]', 1],
    [2, '[[]]', undefined],
  ])('with maxDepth %d reads %s', async (maxDepth, body, position) => {
    if (position === undefined) expect(await decode(body, {}, { ...limits, maxDepth })).toBeDefined();
    else expect((await rejection(body, {}, { maxDepth })).message).toContain(`at character ${position}`);
  });
});

describe('content-encoding', () => {
  const large = Buffer.from(
    JSON.stringify({ text: Array.from({ length: 90_000 }, (_, i) => i * 7919).join(' ') }),
  );
  const codecs: [string, (body: Buffer) => Buffer][] = [
    ['gzip', zlib.gzipSync],
    ['GZIP', zlib.gzipSync],
    ['x-gzip', zlib.gzipSync],
    ['deflate', zlib.deflateSync],
    ['deflate', zlib.deflateRawSync],
    ['deflate', (body) => zlib.deflateSync(body, { level: 9 })],
    ['br', (body) => zlib.brotliCompressSync(body, { params: { [zlib.constants.BROTLI_PARAM_QUALITY]: 4 } })],
    ['identity', (body) => body],
    ['', (body) => body],
    ['utf-8', (body) => body],
    ['UTF-8', (body) => body],
    ['binary', (body) => body],
    ['gzip, br', (body) => zlib.brotliCompressSync(zlib.gzipSync(body))],
    ['br,identity , gzip', (body) => zlib.gzipSync(zlib.brotliCompressSync(body))],
    ['gzip, gzip, gzip', (body) => zlib.gzipSync(zlib.gzipSync(zlib.gzipSync(body)))],
    ['gzip, utf-8', zlib.gzipSync],
  ];

  it.each(codecs)('%j, small', async (contentEncoding, compress) => {
    expect(await decode(compress(json), { contentEncoding })).toEqual(order);
  });

  it.each(codecs)('%j, large', async (contentEncoding, compress) => {
    expect(await decode(compress(large), { contentEncoding })).toEqual(JSON.parse(large.toString()));
  });

  it('a raw stream that looks like zlib is still read', async () => {
    // A stored block of one byte, begun with padding bits that make 0x78 0x01, which is a zlib header as well.
    const stored = Buffer.concat([
      Buffer.from([0x78, 0x01, 0x00, 0xfe, 0xff]),
      json.subarray(0, 1),
      zlib.deflateRawSync(json.subarray(1)),
    ]);
    expect(await decode(stored, { contentEncoding: 'deflate' })).toEqual(order);
  });

  it('reads the charset that Spring AMQP writes into content-encoding', async () => {
    const headers = { contentType: 'text/plain', contentEncoding: 'ISO-8859-1' };
    expect(await decode(Buffer.from('fünf', 'latin1'), headers)).toBe('fünf');
  });

  const zipped = zlib.gzipSync(json);
  it.each([
    ['an unknown coding', 'zstd', zipped, 'content-encoding "zstd" is not supported; supported are gzip'],
    ['a name of every object', 'constructor', zipped, 'content-encoding "constructor" is not supported'],
    ['control characters', 'gz\r\nip', zipped, 'content-encoding "gz\\r\\nip" is not supported'],
    ['four codings', 'gzip,gzip,gzip,gzip', zipped, 'names 4 compressions'],
    ['no gzip at all', 'gzip', json, 'do not inflate: incorrect header check (Z_DATA_ERROR)'],
    ['nothing', 'gzip', Buffer.alloc(0), 'the 0 bytes do not inflate: unexpected end of file'],
    ['nothing', 'br', Buffer.alloc(0), 'do not inflate'],
    ['nothing', 'deflate', Buffer.alloc(0), 'do not inflate: unexpected end of file'],
    ['a truncated body', 'gzip', zipped.subarray(0, -9), 'unexpected end of file (Z_BUF_ERROR)'],
    ['a truncated large body', 'gzip', zlib.gzipSync(large).subarray(0, -9), 'unexpected end of file'],
    [
      'a wrong checksum',
      'gzip',
      Buffer.concat([zipped.subarray(0, -8), Buffer.alloc(8)]),
      'incorrect data check',
    ],
    ['a broken brotli body', 'br', Buffer.from('not brotli at all'), 'do not inflate'],
    ['a broken deflate body', 'deflate', Buffer.from([0x78, 0x9c, 0xff, 0xff, 0xff]), 'do not inflate'],
    ['one layer less than said', 'gzip, gzip', zipped, 'do not inflate'],
  ])('%s is malformed (%j)', async (_what, contentEncoding, body, words) => {
    const error = await rejection(body, { contentEncoding });
    expect(error.deadLetterReason).toBe('malformed');
    expect(error.message).toContain(words);
  });

  it('leaves a layer more than said to the content type', async () => {
    expect((await rejection(zlib.gzipSync(zipped), { contentEncoding: 'gzip' })).message).toContain(
      'not UTF-8',
    );
  });
});

describe('sizes', () => {
  it.each([
    [1024, 'x'.repeat(1024), undefined],
    [1023, 'x'.repeat(1024), 'the body has 1024 bytes; the limit is 1023 (maxBodyBytes)'],
  ])('maxBodyBytes %d', async (maxBodyBytes, body, words) => {
    const headers = { contentType: 'text/plain' };
    if (words === undefined) expect(await decode(body, headers, { ...limits, maxBodyBytes })).toBe(body);
    else expect(await rejection(body, headers, { maxBodyBytes })).toMatchObject({ deadLetterReason: 'too-large', message: words }); // prettier-ignore
  });

  it.each([
    ['exactly the limit', 1000, 1000, false],
    ['one byte more', 1001, 1000, true],
    ['exactly the limit, beyond what is done at once', 300_000, 300_000, false],
    ['one byte more, beyond what is done at once', 300_001, 300_000, true],
  ])('maxInflatedBytes: %s', async (_what, size, maxInflatedBytes, tooLarge) => {
    for (const [coding, body] of [
      ['gzip', zlib.gzipSync('x'.repeat(size))],
      ['deflate', zlib.deflateSync('x'.repeat(size))],
      ['deflate', zlib.deflateRawSync('x'.repeat(size))],
      ['br', zlib.brotliCompressSync('x'.repeat(size))],
    ] as const) {
      const headers = { contentType: 'text/plain', contentEncoding: coding };
      if (!tooLarge) {
        expect(await decode(body, headers, { ...limits, maxInflatedBytes })).toHaveLength(size);
        continue;
      }
      expect(await rejection(body, headers, { maxInflatedBytes })).toMatchObject({
        deadLetterReason: 'too-large',
        message: `${body.length} bytes of ${coding} inflate to more than the limit of ${maxInflatedBytes} bytes (maxInflatedBytes)`,
      });
    }
  });

  describe('bombs of 1 GiB', () => {
    const GIB = 1024 * MIB;
    const bomb = (compressor: Duplex): Promise<Buffer> =>
      new Promise((resolve, reject) => {
        const chunks: Buffer[] = [];
        compressor.on('data', (chunk: Buffer) => chunks.push(chunk));
        compressor.on('error', reject);
        compressor.on('end', () => {
          resolve(Buffer.concat(chunks));
        });
        const zeros = Buffer.alloc(MIB);
        let left = GIB / MIB;
        const feed = (): void => {
          while (left > 0) {
            left -= 1;
            if (!compressor.write(zeros)) {
              compressor.once('drain', feed);
              return;
            }
          }
          compressor.end();
        };
        feed();
      });

    it.each<[string, string, () => Duplex]>([
      ['gzip', 'gzip', () => zlib.createGzip({ level: 1 })],
      ['zlib', 'deflate', () => zlib.createDeflate({ level: 1 })],
      ['raw deflate', 'deflate', () => zlib.createDeflateRaw({ level: 1 })],
      [
        'brotli',
        'br',
        () => zlib.createBrotliCompress({ params: { [zlib.constants.BROTLI_PARAM_QUALITY]: 1 } }),
      ],
    ])(
      '%s stops at the limit, and so does its memory',
      async (_name, contentEncoding, compressor) => {
        const body = await bomb(compressor());
        const own = { maxInflatedBytes: 8 * MIB };
        const nestedTwice = zlib.gzipSync(body);

        let peak = 0;
        const before = process.memoryUsage.rss();
        const watch = setInterval(() => (peak = Math.max(peak, process.memoryUsage.rss() - before)), 1);
        const alone = await rejection(body, { contentEncoding }, own);
        const inside = await rejection(nestedTwice, { contentEncoding: `${contentEncoding}, gzip` }, own);
        clearInterval(watch);

        expect([alone.deadLetterReason, inside.deadLetterReason]).toEqual(['too-large', 'too-large']);
        expect(Math.max(peak, process.memoryUsage.rss() - before)).toBeLessThan(64 * MIB);
      },
      60_000,
    );
  });
});

describe('the middleware', () => {
  const context = (payload: unknown, contentEncoding?: string): MiddlewareContext =>
    ({ payload, delivery: { properties: { contentEncoding } } }) as MiddlewareContext;

  it.each([
    ['bytes', json, undefined, order],
    ['compressed bytes', zlib.gzipSync(json), 'gzip', order],
    [
      'a lot of compressed bytes',
      zlib.gzipSync(Buffer.from(`"${'x'.repeat(MIB)}"`)),
      'gzip',
      'x'.repeat(MIB),
    ],
    ['what an earlier middleware made bytes of', new Uint8Array(json), undefined, order],
    ['what an earlier middleware decoded', { done: true }, 'gzip', { done: true }],
  ])('replaces %s and goes on once', async (_what, payload, contentEncoding, value) => {
    const given = context(payload, contentEncoding);
    const next = jest.fn(() => Promise.resolve());
    await createDecode(limits)(given, next);
    expect(given.payload).toEqual(value);
    expect(next).toHaveBeenCalledTimes(1);
  });

  it.each([
    ['at once', json.subarray(1), undefined],
    ['later', zlib.gzipSync(Buffer.alloc(MIB)), 'gzip'],
  ])('goes no further when the body is bad, found %s', async (_when, payload, contentEncoding) => {
    const given = context(payload, contentEncoding);
    const next = jest.fn(() => Promise.resolve());
    await expect((async () => createDecode(limits)(given, next))()).rejects.toThrow(Rejected);
    expect(given.payload).toBe(payload);
    expect(next).not.toHaveBeenCalled();
  });
});
