import { createHmac } from 'node:crypto';
import fc from 'fast-check';
import { anything } from '../../test/support/hostile-values';
import { examinable, Rejected, type Delivery, type MiddlewareContext } from '../message/message.module';
import { createAuthenticate } from './authenticate';
import { signMessage } from './hmac';

const SECRET = 'the secret of the producer';
const JWT_SECRET = 'the secret of the issuer, thirty-two bytes';
const now = (): number => Math.floor(Date.now() / 1_000);

interface Message {
  readonly body: Buffer;
  readonly messageId?: string;
  readonly headers: Record<string, unknown>;
}

const hmac = createAuthenticate({ hmac: { secrets: SECRET } });
const jwt = createAuthenticate({ jwt: { secret: JWT_SECRET, algorithms: ['HS256'] } });

/** `accepted`, or the words of the refusal; anything but a Rejected `unauthenticated` fails the test. */
async function asked(authenticate: typeof hmac, { body, messageId, headers }: Message): Promise<string> {
  const properties = messageId === undefined ? {} : { messageId };
  const delivery = { body, headers, properties, viaRetry: false, redelivered: false } as unknown as Delivery;
  try {
    await authenticate({ delivery } as MiddlewareContext, () => Promise.resolve());
    return 'accepted';
  } catch (thrown) {
    const error = examinable(thrown);
    if (error instanceof Rejected && error.deadLetterReason === 'unauthenticated') return error.message;
    throw error;
  }
}

const bytes = fc.uint8Array({ maxLength: 50 }).map((array) => Buffer.from(array));
const id = fc.option(fc.string({ unit: fc.constantFrom('a', '.', '%', '2', 'E', '5', 'é'), maxLength: 8 }), {
  nil: undefined,
});
const message = fc.record({ body: bytes, messageId: id });

function signed({ body, messageId }: { body: Buffer; messageId: string | undefined }): Message {
  const own = messageId === undefined ? {} : { messageId };
  return { body, ...own, headers: signMessage(body, { secret: SECRET, ...own }) };
}

function base64url(value: unknown): string {
  return Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url');
}

function tokenOf(header: unknown, payload: unknown): string {
  const said = `${base64url(header)}.${base64url(payload)}`;
  return `${said}.${createHmac('sha256', JWT_SECRET).update(said).digest('base64url')}`;
}

describe('hmac, of any message', () => {
  it('accepts what was signed', async () => {
    await fc.assert(
      fc.asyncProperty(message, async (one) => {
        expect(await asked(hmac, signed(one))).toBe('accepted');
      }),
    );
  });

  it('refuses a signature over anything else than this timestamp, this id and this body', async () => {
    await fc.assert(
      fc.asyncProperty(message, message, fc.nat(60), async (one, other, late) => {
        const { headers } = signed(one);
        const moved = { ...headers, 'x-signature-timestamp': String(now() + 100 + late) };
        expect(await asked(hmac, { ...signed(one), headers: moved })).toMatch(/does not fit/);
        const same = one.body.equals(other.body) && (one.messageId ?? '') === (other.messageId ?? '');
        expect(await asked(hmac, { ...signed(other), headers })).toMatch(
          same ? /^accepted$/ : /does not fit/,
        );
      }),
    );
  });

  it('refuses a signature where a part of the id has become part of the body', async () => {
    const part = fc.string({ unit: fc.constantFrom('a', '%', '2', 'E'), maxLength: 3 });
    await fc.assert(
      fc.asyncProperty(part, part, part, async (x, y, z) => {
        const { headers } = signed({ messageId: x, body: Buffer.from(`${y}.${z}`) });
        const moved = { messageId: `${x}.${y}`, body: Buffer.from(z), headers };
        expect(await asked(hmac, moved)).toMatch(/does not fit/);
      }),
    );
  });

  it('takes for the id what the inbox takes: an empty message-id is none, and the header counts', async () => {
    const body = Buffer.from('{}');
    const headers = signMessage(body, { secret: SECRET });
    const disguised = { body, messageId: '', headers: { ...headers, 'x-transaction-id': 'another' } };
    expect(await asked(hmac, disguised)).toMatch(/does not fit/);
    const named = {
      ...signMessage(body, { secret: SECRET, messageId: 'another' }),
      'x-transaction-id': 'another',
    };
    expect(await asked(hmac, { body, messageId: '', headers: named })).toBe('accepted');
  });

  it.each(['x-signature', 'x-signature-timestamp'])(
    'refuses whatever else stands in %s, in bounded words without the secret',
    async (name) => {
      await fc.assert(
        fc.asyncProperty(message, anything(), async (one, { make }) => {
          const own = signed(one);
          const words = await asked(hmac, { ...own, headers: { ...own.headers, [name]: make() } });
          expect(words).not.toBe('accepted');
          expect(words.length).toBeLessThan(500);
          expect(words).not.toContain(SECRET);
        }),
      );
    },
  );
});

describe('jwt, of any message', () => {
  const headersOf = (authorization: unknown): Message => ({
    body: Buffer.alloc(0),
    headers: { authorization },
  });

  it('accepts a token of the issuer that has not expired', async () => {
    const token = tokenOf({ alg: 'HS256' }, { exp: now() + 100 });
    expect(await asked(jwt, headersOf(token))).toBe('accepted');
    expect(await asked(jwt, headersOf(`bearer  ${token}`))).toBe('accepted');
  });

  it('refuses every token with a character changed, and tells none of it', async () => {
    const token = tokenOf({ alg: 'HS256' }, { exp: now() + 100, sub: 'somebody' });
    await fc.assert(
      fc.asyncProperty(
        fc.nat(token.length - 2),
        fc.constantFrom('A', 'B', '.', '-', '\0', 'é'),
        async (at, character) => {
          fc.pre(token[at] !== character);
          const words = await asked(jwt, headersOf(token.slice(0, at) + character + token.slice(at + 1)));
          expect(words).toMatch(/^the token in authorization is refused: /);
          expect(words).not.toContain('somebody');
          expect(words).not.toContain(token.slice(-20));
        },
      ),
    );
  });

  it('refuses well-signed tokens whose header or claims are anything else', async () => {
    const claim = fc.oneof(fc.jsonValue(), fc.constantFrom(0, -1, 1e300, '9999999999', null, undefined));
    const header = fc.oneof(
      fc.constantFrom(
        { alg: 'HS256' },
        { alg: 'none' },
        { alg: 'HS512' },
        { alg: 'HS256', crit: ['exp'] },
        { alg: 'hs256' },
        {},
        null,
        [],
      ),
      fc.jsonValue(),
    );
    await fc.assert(
      fc.asyncProperty(header, claim, async (one, exp) => {
        const words = await asked(jwt, headersOf(tokenOf(one, { exp })));
        const isGood = JSON.stringify(one) === '{"alg":"HS256"}' && typeof exp === 'number' && exp > now();
        expect(words === 'accepted').toBe(isGood);
      }),
      { examples: [[{ alg: 'HS256' }, undefined]] },
    );
  });

  it('refuses whatever else stands in its header, in bounded words', async () => {
    await fc.assert(
      fc.asyncProperty(anything(), async ({ make }) => {
        const words = await asked(jwt, headersOf(make()));
        expect(words).not.toBe('accepted');
        expect(words.length).toBeLessThan(500);
      }),
    );
  });
});
