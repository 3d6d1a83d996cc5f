import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { Rejected } from '../message/message.module';
import { decodeBody, type ContentHeaders, type DecodeLimits } from './decode';

const limits: DecodeLimits = { maxBodyBytes: 100_000, maxInflatedBytes: 50_000, maxDepth: 8 };

type Outcome = { readonly value: unknown } | { readonly rejected: Rejected };

/** What becomes of a body; anything but a value and a Rejected fails the test. */
async function decoded(body: Buffer, headers: ContentHeaders, within = limits): Promise<Outcome> {
  try {
    return { value: await decodeBody(body, headers, within) };
  } catch (error) {
    if (error instanceof Rejected) return { rejected: error };
    throw error;
  }
}

const COMPRESS = {
  gzip: gzipSync,
  'x-gzip': gzipSync,
  deflate: deflateSync,
  'deflate, raw': deflateRawSync,
  br: brotliCompressSync,
} as const;
type Coding = keyof typeof COMPRESS;

const bytes = fc.uint8Array({ maxLength: 200 }).map((array) => Buffer.from(array));
/** Bodies that almost are what they say they are: cut, with a byte changed, or whole. */
const damaged = fc
  .tuple(
    fc.json(),
    fc.constantFrom<Coding | 'none'>('none', 'gzip', 'deflate', 'br'),
    fc.nat(),
    fc.nat(255),
    fc.boolean(),
  )
  .map(([json, coding, at, byte, cut]) => {
    const whole = coding === 'none' ? Buffer.from(json) : COMPRESS[coding](Buffer.from(json));
    const place = at % whole.length;
    if (cut) return whole.subarray(0, place);
    whole[place] = byte;
    return whole;
  });
const contentType = fc.oneof(
  fc.constantFrom(
    '',
    'application/json',
    'application/json; charset=utf-16le',
    'text/plain; charset="latin1"',
    'text/plain',
  ),
  fc.constantFrom(
    'a/b+json;charset=us-ascii',
    'application/octet-stream',
    'application/json; charset',
    ';;;=',
    'text/;charset=\0',
  ),
  fc.string({ unit: 'binary', maxLength: 255 }),
);
const contentEncoding = fc.oneof(
  fc.constantFrom(
    '',
    'gzip',
    'GZIP , br',
    'deflate',
    'br',
    'identity',
    'utf-8',
    'gzip,gzip,gzip,gzip',
    'zstd',
    ',,,',
    '__proto__',
  ),
  fc.string({ unit: 'binary', maxLength: 255 }),
);

describe('decodeBody', () => {
  it('of any bytes under any headers is a value, or a dead letter that says why in bounded words', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(bytes, damaged),
        fc.option(contentType, { nil: undefined }),
        fc.option(contentEncoding, { nil: undefined }),
        async (body, type, encoding) => {
          const before = Buffer.from(body);
          const outcome = await decoded(body, { contentType: type, contentEncoding: encoding });
          expect(body.equals(before)).toBe(true);
          if ('value' in outcome) return;
          expect(outcome.rejected.deadLetterReason).toMatch(/^(malformed|too-large)$/);
          expect(outcome.rejected.message.length).toBeGreaterThan(10);
          expect(outcome.rejected.message.length).toBeLessThan(600);
        },
      ),
      { numRuns: 500, examples: [[Buffer.from('{}'), undefined, 'x'.repeat(255)]] },
    );
  });

  it('gives back every JSON value as JSON.parse does, no number squeezed', async () => {
    await fc.assert(
      fc.asyncProperty(fc.json({ maxDepth: 6 }), async (json) => {
        expect(await decoded(Buffer.from(json), {})).toEqual({ value: JSON.parse(json) as unknown });
      }),
    );
    const number = fc.oneof(fc.maxSafeInteger(), fc.double({ noNaN: true, noDefaultInfinity: true }));
    await fc.assert(
      fc.asyncProperty(number, async (one) => {
        expect(await decoded(Buffer.from(JSON.stringify({ one })), {})).toEqual({
          value: { one: one === 0 ? 0 : one },
        });
      }),
    );
  });

  it('undoes up to three codings on top of each other, in their order', async () => {
    const codings = fc.array(fc.constantFrom(...(Object.keys(COMPRESS) as Coding[])), { maxLength: 3 });
    await fc.assert(
      fc.asyncProperty(bytes, codings, async (body, applied) => {
        const sent = applied.reduce<Buffer>((inner, coding) => COMPRESS[coding](inner), body);
        const names = applied.map((coding) => coding.replace(', raw', '')).join(', ');
        const outcome = await decoded(sent, {
          contentType: 'application/octet-stream',
          contentEncoding: names,
        });
        expect(outcome).toEqual({ value: body });
      }),
      { numRuns: 60 },
    );
  });

  it('never lets a compressed body become more than the limit, nor refuses one at it', async () => {
    const coding = fc.constantFrom<Coding>('gzip', 'deflate', 'br');
    // Small results are inflated at once, others on the thread pool.
    const limit = fc.constantFrom(50_000, 300_000);
    await fc.assert(
      fc.asyncProperty(
        coding,
        limit,
        fc.integer({ min: -2, max: 200_000 }),
        async (one, maxInflatedBytes, beyond) => {
          const length = maxInflatedBytes + beyond;
          const headers = { contentType: 'text/plain', contentEncoding: one };
          const outcome = await decoded(COMPRESS[one](Buffer.alloc(length, 0x61)), headers, {
            ...limits,
            maxInflatedBytes,
          });
          if (beyond <= 0) expect(outcome).toEqual({ value: 'a'.repeat(length) });
          else expect(outcome).toMatchObject({ rejected: { deadLetterReason: 'too-large' } });
        },
      ),
      {
        numRuns: 40,
        examples: [
          ['gzip', 300_000, 0],
          ['br', 50_000, 0],
          ['deflate', 50_000, 0],
        ],
      },
    );
  });

  it('never takes a part of a compressed body for the whole', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.json(),
        fc.constantFrom<Coding>('gzip', 'deflate', 'br'),
        fc.nat(),
        async (json, one, at) => {
          const whole = COMPRESS[one](Buffer.from(json));
          const outcome = await decoded(whole.subarray(0, at % whole.length), { contentEncoding: one });
          expect(outcome).toMatchObject({ rejected: { deadLetterReason: 'malformed' } });
        },
      ),
    );
  });

  it('counts levels of nesting as a reader would, brackets in strings left out', async () => {
    const value = fc.letrec<{ value: unknown }>((tie) => ({
      value: fc.oneof(
        { maxDepth: 12, depthSize: 'medium', withCrossShrink: true },
        fc.oneof(fc.constantFrom<unknown>(1, null, '[[[[', '"]}', '\\"{', '\\'), fc.string()),
        fc.array(tie('value'), { maxLength: 2 }),
        fc.dictionary(fc.constantFrom('{', 'k"', '['), tie('value'), { maxKeys: 2, noNullPrototype: true }),
      ),
    })).value;
    const depthOf = (one: unknown): number =>
      typeof one === 'object' && one !== null ? 1 + Math.max(0, ...Object.values(one).map(depthOf)) : 0;
    await fc.assert(
      fc.asyncProperty(
        value,
        fc.integer({ min: 1, max: 12 }),
        fc.constantFrom('', '  ', '\t'),
        async (one, maxDepth, indent) => {
          const outcome = await decoded(
            Buffer.from(JSON.stringify(one, undefined, indent)),
            {},
            { ...limits, maxDepth },
          );
          if (depthOf(one) <= maxDepth) expect(outcome).toEqual({ value: one });
          else expect(outcome).toMatchObject({ rejected: { deadLetterReason: 'too-large' } });
        },
      ),
      { numRuns: 300 },
    );
  });

  it.each([
    ['utf-8', 'utf8', fc.string({ unit: 'binary' })],
    ['utf-16le', 'utf16le', fc.string({ unit: 'binary' })],
    ['iso-8859-1', 'latin1', fc.string({ unit: fc.nat(255).map((code) => String.fromCharCode(code)) })],
    ['us-ascii', 'latin1', fc.string({ unit: 'binary-ascii' })],
  ] as const)('reads text in %s as it was written', async (charset, encoding, text) => {
    await fc.assert(
      fc.asyncProperty(text, async (written) => {
        // A byte order mark at the beginning is no part of the text.
        fc.pre(!written.startsWith('\ufeff') && written.isWellFormed());
        const body = Buffer.from(written, encoding);
        expect(await decoded(body, { contentType: `text/plain; charset=${charset}` })).toEqual({
          value: written,
        });
      }),
    );
  });

  it.each(['utf-8', 'utf-16le', 'us-ascii'])(
    'never makes up text for bytes that are no %s',
    async (charset) => {
      await fc.assert(
        fc.asyncProperty(bytes, async (body) => {
          const outcome = await decoded(body, { contentType: `text/plain; charset=${charset}` });
          if ('rejected' in outcome) return;
          const text = outcome.value as string;
          const written = Buffer.from(text, charset === 'utf-16le' ? 'utf16le' : 'utf8');
          const mark = Buffer.from('\ufeff', charset === 'utf-16le' ? 'utf16le' : 'utf8');
          expect(written.equals(body) || Buffer.concat([mark, written]).equals(body)).toBe(true);
        }),
      );
    },
  );

  it.each([
    ['a key __proto__ is a key', '{"__proto__":{"admin":true}}', { ['__proto__']: { admin: true } }],
    ['the last of equal keys wins', '{"a":1,"a":2}', { a: 2 }],
    ['1e400 is beyond numbers', '1e400', Infinity],
    ['half a surrogate pair stays what it is', '"\\ud800"', '\ud800'],
    ['NUL is a character', '"a\\u0000b"', 'a\0b'],
    ['a byte order mark is taken off', '\ufeff{}', {}],
  ])('%s', async (_, json, value) => {
    const outcome = (await decoded(Buffer.from(json), {})) as { value: object };
    expect(outcome.value).toEqual(value);
    expect(Object.keys(Object(outcome.value) as object)).toEqual(Object.keys(Object(value) as object));
    expect(({} as { admin?: boolean }).admin).toBeUndefined();
  });

  it.each([
    ['at the limit', 100_000, true],
    ['a byte beyond it', 100_001, false],
    ['with nothing in it', 0, false],
  ])('a body %s', async (_, length, taken) => {
    const body = Buffer.alloc(length, 0x20);
    if (length > 0) body[0] = 0x31;
    expect('value' in (await decoded(body, {}))).toBe(taken);
  });

  it('takes a parameter without a value for none', async () => {
    expect(await decoded(Buffer.from('{}'), { contentType: 'application/json; charsets' })).toEqual({
      value: {},
    });
  });

  it('refuses a depth of 100,000 before anything overflows', async () => {
    for (const body of ['['.repeat(100_000), '{"a":'.repeat(100_000)]) {
      const outcome = await decoded(Buffer.from(body), {}, { ...limits, maxBodyBytes: 1_000_000 });
      expect(outcome).toMatchObject({ rejected: { deadLetterReason: 'too-large' } });
    }
  });
});
