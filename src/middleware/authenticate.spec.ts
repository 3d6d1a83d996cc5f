import { createHmac, generateKeyPairSync } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { exportJWK, SignJWT, UnsecuredJWT, type JWTPayload } from 'jose';
import { Rejected, type Delivery, type MiddlewareContext } from '../message/message.module';
import { assertAuthentication, createAuthenticate, type Authentication } from './authenticate';
import { signMessage } from './hmac';

const body = Buffer.from('{"id":"o-1","total":12.5}');
const messageId = 'order.1%';
const secret = 'a secret of the shop, long enough';
const other = 'another secret, just as long as it';
const now = Math.floor(Date.now() / 1000);
const HOUR = 3600;
const DAY = 24 * HOUR;

function delivery(headers: Record<string, unknown>, more: Partial<Delivery> = {}): Delivery {
  return {
    queue: 'orders',
    exchange: 'shop',
    routingKey: 'order.created',
    properties: { messageId },
    headers,
    body,
    redelivered: false,
    viaRetry: false,
    attempt: 1,
    copyToken: undefined,
    delayLeftMs: 0,
    firstFailedAt: undefined,
    replay: undefined,
    receivedAt: 0,
    ...more,
  };
}

/** 'passed', or what was thrown. */
async function judge(options: Authentication, given: Delivery): Promise<unknown> {
  const next = jest.fn(() => Promise.resolve());
  try {
    await createAuthenticate(options)({ delivery: given } as MiddlewareContext, next);
  } catch (error) {
    expect(next).not.toHaveBeenCalled();
    return error;
  }
  expect(next).toHaveBeenCalledTimes(1);
  return 'passed';
}

async function refusal(options: Authentication, given: Delivery): Promise<string> {
  const error = await judge(options, given);
  expect(error).toBeInstanceOf(Rejected);
  expect((error as Rejected).deadLetterReason).toBe('unauthenticated');
  expect((error as Rejected).cause).toBeUndefined();
  return (error as Rejected).message;
}

describe('HMAC', () => {
  const hmac: Authentication = { hmac: { secrets: secret } };
  const signed = (timestamp = now, by = secret): Record<string, string> =>
    signMessage(body, { secret: by, messageId, timestamp });
  const digest = (algorithm: 'sha256' | 'sha512' = 'sha256'): Buffer =>
    createHmac(algorithm, secret).update(`${now}.order%2E1%25.`).update(body).digest();
  const timed = (signature: unknown): Record<string, unknown> => ({
    'x-signature': signature,
    'x-signature-timestamp': String(now),
  });

  it('is what the documentation tells producers to compute', () => {
    expect(signed()).toEqual({
      'x-signature': `sha256=${digest().toString('hex')}`,
      'x-signature-timestamp': `${now}`,
    });
    expect(signMessage('a text', { secret, timestamp: 0 })).toEqual(
      signMessage(Buffer.from('a text'), { secret, timestamp: 0, messageId: '' }),
    );
  });

  it.each<[string, Authentication, Record<string, unknown>]>([
    ['as signMessage makes it', hmac, signed()],
    ['hex without prefix', hmac, timed(digest().toString('hex'))],
    ['hex in capitals', hmac, timed(digest().toString('hex').toUpperCase())],
    ['base64', hmac, timed(digest().toString('base64'))],
    ['base64 with prefix', hmac, timed(`SHA256=${digest().toString('base64')}`)],
    ['base64url', hmac, timed(digest().toString('base64url'))],
    [
      'sha512',
      { hmac: { secrets: secret, algorithm: 'sha512' } },
      timed(`sha512=${digest('sha512').toString('base64')}`),
    ],
    ['a number as timestamp', hmac, { ...signed(), 'x-signature-timestamp': now }],
    [
      'headers in another case',
      hmac,
      { 'X-Signature': signed()['x-signature'], 'X-Signature-Timestamp': String(now) },
    ],
    ['the old secret of two', { hmac: { secrets: [other, secret] } }, signed()],
    ['secrets from a function', { hmac: { secrets: () => [other, secret] } }, signed()],
    [
      'own header names',
      { hmac: { secrets: secret, header: 'sig', timestampHeader: 'at' } },
      signMessage(body, { secret, messageId, header: 'sig', timestampHeader: 'at' }),
    ],
  ])('accepts %s', async (_what, options, headers) => {
    expect(await judge(options, delivery(headers))).toBe('passed');
  });

  it('asks the function for its secrets at every message', async () => {
    let current = other;
    const check = createAuthenticate({ hmac: { secrets: () => current } });
    const run = async (): Promise<void> =>
      check({ delivery: delivery(signed()) } as MiddlewareContext, () => Promise.resolve());
    await expect(run()).rejects.toThrow(Rejected);
    current = secret;
    await expect(run()).resolves.toBeUndefined();
  });

  it.each([
    [() => [], 'an empty list'],
    [() => '', '0 bytes'],
    [() => undefined as never, 'of type undefined'],
    [() => { throw new Error('vault away'); }, 'vault away'], // prettier-ignore
  ])('does not blame the message when the function gives no secret', async (secrets, words) => {
    const error = await judge({ hmac: { secrets } }, delivery(signed()));
    expect(error).not.toBeInstanceOf(Rejected);
    expect((error as Error).message).toBe('the function hmac.secrets gave no usable secret');
    expect(((error as Error).cause as Error).message).toContain(words);
  });

  it.each<[string, Record<string, unknown>, string]>([
    ['no signature', {}, 'the header x-signature is missing'],
    ['an empty one', timed(''), 'the header x-signature is missing'],
    ['null', timed(null), 'the header x-signature is missing'],
    ['an object', timed({ toString: 'x' }), 'must be text, but is of type object'],
    ['bytes', timed(digest()), 'must be text, but is of type object'],
    ['a very long one', timed('a'.repeat(100_000)), 'has 100000 characters; at most 512'],
    [
      'one byte too short',
      timed(digest().subarray(1).toString('hex')),
      'of 62 characters is no sha256 digest: 64 hex or 44 base64',
    ],
    ['one byte too long', timed(`${digest().toString('hex')}00`), 'of 66 characters is no sha256 digest'],
    ['no hex', timed('z'.repeat(64)), 'of 64 characters is no sha256 digest'],
    ['only a prefix', timed('sha256='), 'of 0 characters is no sha256 digest'],
    ['a line break inside', timed(`${'a'.repeat(32)}\n${'a'.repeat(31)}`), 'is no sha256 digest'],
    [
      'another algorithm',
      timed(`sha512=${digest('sha512').toString('hex')}`),
      'made with sha512, this consumer expects sha256',
    ],
    ['a weak algorithm', timed('sha1=da39a3ee5e6b4b0d3255bfef95601890afd80709'), 'made with sha1'],
    [
      'all zeros',
      timed('0'.repeat(64)),
      'does not fit the timestamp, the message id and the body (1 secret tried)',
    ],
    ['the secret of another', signed(now, other), 'does not fit'],
    [
      'no timestamp',
      { 'x-signature': signed()['x-signature'] },
      'the header x-signature-timestamp is missing',
    ],
    [
      'a date',
      { ...signed(), 'x-signature-timestamp': '2026-11-22' },
      'is "2026-11-22"; it must be whole seconds',
    ],
    ['milliseconds', { ...signed(), 'x-signature-timestamp': '1700000000000' }, 'not milliseconds'],
    ['a negative timestamp', { ...signed(), 'x-signature-timestamp': -5 }, 'is "-5"'],
    ['an object as timestamp', { ...signed(), 'x-signature-timestamp': {} }, 'is of type object'],
    ['a changed timestamp', { ...signed(), 'x-signature-timestamp': String(now - 1) }, 'does not fit'],
    ['the same time, written otherwise', { ...signed(), 'x-signature-timestamp': `0${now}` }, 'does not fit'],
  ])('refuses %s', async (_what, headers, words) => {
    const message = await refusal(hmac, delivery(headers));
    expect(message).toContain(words);
    expect(message).not.toContain(digest().toString('hex'));
    expect(message).not.toContain(secret);
  });

  it.each<[string, Partial<Delivery>]>([
    ['the body', { body: Buffer.from('{"id":"o-1","total":99.5}') }],
    ['the message id', { properties: { messageId: 'order.2%' } }],
    ['a message id taken away', { properties: {} }],
    [
      'the border of id and body',
      { properties: { messageId: 'order' }, body: Buffer.concat([Buffer.from('1%.'), body]) },
    ],
  ])('refuses what was changed: %s', async (_what, more) => {
    expect(await refusal(hmac, delivery(signed(), more))).toContain('does not fit');
  });

  it('cannot have a part of the body moved into the id', async () => {
    const headers = signMessage('1.5', { secret, messageId: 'x', timestamp: now });
    const moved = delivery(headers, { properties: { messageId: 'x.1' }, body: Buffer.from('5') });
    expect(await refusal(hmac, moved)).toContain('does not fit');
  });

  it.each<[string, Partial<Delivery>, string]>([
    ['x-transaction-id when there is no message id', { properties: {} }, 'tx-1'],
    ['nothing when there is neither', { properties: {} }, ''],
  ])('signs %s', async (_what, more, id) => {
    const headers = signMessage(body, { secret, messageId: id, timestamp: now });
    const own = id === '' ? headers : { ...headers, 'x-transaction-id': id };
    expect(await judge(hmac, delivery(own, more))).toBe('passed');
    expect(await refusal(hmac, delivery({ ...headers, 'x-transaction-id': 'tx-2' }, more))).toContain(
      'does not fit',
    );
  });

  it.each<[string, number, Partial<Delivery>, string]>([
    ['just in time', 290, {}, 'passed'],
    ['too old', 320, {}, 's old at its first delivery; the tolerance is 300 s'],
    ['a little ahead', -290, {}, 'passed'],
    ['too far ahead', -320, {}, 's ahead of our clock; the tolerance is 300 s'],
    ['a retry of an hour ago', HOUR, { viaRetry: true }, 'passed'],
    ['redelivered after an outage', HOUR, { redelivered: true }, 'passed'],
    ['a replay of last week', 7 * DAY, { viaRetry: true, replay: 'run-1' }, 'passed'],
    [
      'a replay of last month',
      31 * DAY,
      { viaRetry: true, replay: 'run-1' },
      'at most 1209600 s old (maxAge)',
    ],
    ['a retry from the future', -320, { viaRetry: true }, 'ahead of our clock'],
    [
      'who only claims to be a retry',
      HOUR,
      { copyToken: 'forged', attempt: 3, firstFailedAt: 'x' },
      'at its first delivery',
    ],
    ['who only claims to be a replay', HOUR, { replay: 'forged' }, 'at its first delivery'],
  ])('judges the age: %s', async (_what, age, more, outcome) => {
    const given = delivery(signed(now - age), more);
    if (outcome === 'passed') expect(await judge(hmac, given)).toBe('passed');
    else expect(await refusal(hmac, given)).toContain(outcome);
  });

  it('has a tolerance and an age of its own', async () => {
    const options: Authentication = { hmac: { secrets: secret, tolerance: '1h', maxAge: '2h' } };
    expect(await judge(options, delivery(signed(now - HOUR + 60)))).toBe('passed');
    expect(await refusal(options, delivery(signed(now - HOUR - 60)))).toContain('tolerance is 3600 s');
    expect(await refusal(options, delivery(signed(now - 3 * HOUR), { viaRetry: true }))).toContain('7200 s');
  });

  it.each([-1, 1.5, NaN, Infinity])('signs no message at %p', (timestamp) => {
    expect(() => signMessage(body, { secret, timestamp })).toThrow('whole seconds since 1970');
  });
});

describe('JWT', () => {
  const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const foreign = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const ec = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
  const ed = generateKeyPairSync('ed25519');
  const pem = (pair: { publicKey: typeof rsa.publicKey }): string =>
    pair.publicKey.export({ type: 'spki', format: 'pem' }).toString();
  const key = Buffer.from(secret);
  const claims = { iss: 'shop', aud: 'orders', exp: now + HOUR };
  const jwt: Authentication = {
    jwt: { publicKey: pem(rsa), algorithms: ['RS256'], issuer: 'shop', audience: ['orders', 'invoices'] },
  };
  const sign = (
    payload: JWTPayload = claims,
    alg = 'RS256',
    by: unknown = rsa.privateKey,
    kid?: string,
  ): Promise<string> =>
    new SignJWT(payload)
      .setProtectedHeader({ alg, ...(kid === undefined ? {} : { kid }) })
      .sign(by as typeof rsa.privateKey);
  const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');

  it.each<[string, () => Promise<string>, Authentication?]>([
    ['RS256', () => sign()],
    ['Bearer', async () => `Bearer ${await sign()}`],
    ['bearer', async () => `bearer  ${await sign()}`],
    ['several audiences', () => sign({ ...claims, aud: ['x', 'invoices'] })],
    ['PS256', () => sign(claims, 'PS256'), { jwt: { publicKey: pem(rsa), algorithms: ['RS256', 'PS256'] } }],
    [
      'ES256',
      () => sign(claims, 'ES256', ec.privateKey),
      { jwt: { publicKey: pem(ec), algorithms: ['ES256'] } },
    ],
    [
      'EdDSA',
      () => sign(claims, 'EdDSA', ed.privateKey),
      { jwt: { publicKey: pem(ed), algorithms: ['EdDSA'] } },
    ],
    ['HS256', () => sign(claims, 'HS256', key), { jwt: { secret, algorithms: ['HS256'] } }],
    ['expired within the tolerance', () => sign({ ...claims, exp: now - 20 })],
  ])('accepts %s', async (_what, token, options = jwt) => {
    expect(await judge(options, delivery({ authorization: await token() }))).toBe('passed');
  });

  it.each<[string, () => unknown, string]>([
    ['nothing', () => undefined, 'the header authorization is missing'],
    ['an object', () => ({}), 'must be text'],
    ['a huge token', () => 'a'.repeat(20_000), 'at most 16384'],
    ['rubbish', () => 'rubbish', 'Invalid Compact JWS'],
    ['only Bearer', () => 'Bearer ', 'Invalid Compact JWS'],
    ['Basic', () => 'Basic dXNlcjpwdw==', 'Invalid Compact JWS'],
    ['five parts', () => 'a.b.c.d.e', 'Invalid Compact JWS'],
    ['a header that is no JSON', () => 'e30x.e30.e30', 'is refused'],
    ['alg none', () => new UnsecuredJWT(claims).encode(), '"alg"'],
    [
      'alg None with a signature',
      async () => `${part({ alg: 'None' })}.${(await sign()).split('.').slice(1).join('.')}`,
      '"alg"',
    ],
    ['the public key as HMAC secret', () => sign(claims, 'HS256', Buffer.from(pem(rsa))), '"alg"'],
    ['an algorithm not listed', () => sign(claims, 'PS256'), '"alg"'],
    ['a foreign key', () => sign(claims, 'RS256', foreign.privateKey), 'signature verification failed'],
    [
      'changed claims',
      async () => (await sign()).replace(/\.[^.]+\./, `.${part({ ...claims, aud: 'invoices' })}.`),
      'signature verification failed',
    ],
    [
      'an unknown critical header',
      async () =>
        `${part({ alg: 'RS256', crit: ['x'], x: 1 })}.${(await sign()).split('.').slice(1).join('.')}`,
      '"x"',
    ],
    ['no expiry', () => sign({ iss: 'shop', aud: 'orders' }), 'missing required "exp" claim'],
    [
      'an expiry that is no number',
      () => sign({ ...claims, exp: '2099' as never }),
      '"exp" claim must be a number',
    ],
    ['expired', () => sign({ ...claims, exp: now - 60 }), '"exp" claim timestamp check failed'],
    ['not yet valid', () => sign({ ...claims, nbf: now + 60 }), 'nbf'],
    ['no issuer', () => sign({ aud: 'orders', exp: now + HOUR }), 'missing required "iss" claim'],
    ['another issuer', () => sign({ ...claims, iss: 'thief' }), 'unexpected "iss" claim value'],
    ['no audience', () => sign({ iss: 'shop', exp: now + HOUR }), 'missing required "aud" claim'],
    ['another audience', () => sign({ ...claims, aud: 'mails' }), 'unexpected "aud" claim value'],
  ])('refuses %s', async (_what, make, words) => {
    const token = await make();
    const message = await refusal(jwt, delivery({ authorization: token }));
    expect(message).toContain(words);
    if (typeof token === 'string' && token.length > 20) expect(message).not.toContain(token.slice(-20));
  });

  it.each<[string, JWTPayload, Partial<Delivery>, string]>([
    ['a retry after the expiry', { exp: now - HOUR }, { viaRetry: true }, 'passed'],
    ['redelivered after the expiry', { exp: now - HOUR }, { redelivered: true }, 'passed'],
    ['a retry long after it', { exp: now - 15 * DAY }, { viaRetry: true }, '"exp" claim'],
    ['a retry not valid yet', { exp: now + DAY, nbf: now + HOUR }, { viaRetry: true }, 'not valid yet (nbf)'],
    [
      'who only claims to be a retry',
      { exp: now - HOUR },
      { copyToken: 'forged', replay: 'forged', attempt: 3 },
      '"exp" claim',
    ],
    ['a retry of a foreign token', { exp: now - HOUR, iss: 'thief' }, { viaRetry: true }, '"iss"'],
  ])('judges the expiry: %s', async (_what, payload, more, outcome) => {
    const given = delivery({ authorization: await sign({ ...claims, ...payload }) }, more);
    if (outcome === 'passed') expect(await judge(jwt, given)).toBe('passed');
    else expect(await refusal(jwt, given)).toContain(outcome);
  });

  describe('keys from the issuer', () => {
    let server: Server;
    let answer: { status: number; body: string };
    let asked = 0;
    let options: Authentication;

    beforeEach(async () => {
      const jwk = { ...(await exportJWK(rsa.publicKey)), kid: 'k1', alg: 'RS256', use: 'sig' };
      answer = { status: 200, body: JSON.stringify({ keys: [jwk] }) };
      asked = 0;
      server = createServer((_request, response) => {
        asked += 1;
        response.writeHead(answer.status, { 'content-type': 'application/json' }).end(answer.body);
      });
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      const { port } = server.address() as AddressInfo;
      options = { jwt: { jwksUrl: `http://127.0.0.1:${port}/keys`, algorithms: ['RS256'] } };
    });
    afterEach(async () => {
      await new Promise((resolve) => {
        server.close(resolve);
        server.closeAllConnections();
      });
    });

    it('are fetched once for many messages, also for unknown key ids', async () => {
      const check = createAuthenticate(options);
      const run = async (token: string): Promise<void> =>
        check({ delivery: delivery({ authorization: token }) } as MiddlewareContext, () => Promise.resolve());
      const good = await sign(claims, 'RS256', rsa.privateKey, 'k1');
      await Promise.all(Array.from({ length: 20 }, () => run(good)));
      for (let i = 0; i < 20; i++) {
        const unknown = await sign(claims, 'RS256', foreign.privateKey, `k${i + 2}`);
        await expect(run(unknown)).rejects.toThrow(
          /the token in authorization is refused: no applicable key/,
        );
      }
      expect(asked).toBe(1);
    });

    it.each([
      ['an error', { status: 503, body: 'away' }],
      ['no JSON', { status: 200, body: '<html>' }],
      ['no keys', { status: 200, body: '{}' }],
    ])('that answers %s is not the fault of the message', async (_what, wrong) => {
      answer = wrong;
      const token = await sign(claims, 'RS256', rsa.privateKey, 'k1');
      const error = await judge(options, delivery({ authorization: token }));
      expect(error).not.toBeInstanceOf(Rejected);
      expect((error as Error).message).toMatch(/^no keys to be had from http:\/\/127\.0\.0\.1:\d+\/keys: /);
    });
  });
});

describe('assertAuthentication', () => {
  const weak = generateKeyPairSync('rsa', { modulusLength: 1024 });
  const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const rsaPem = rsa.publicKey.export({ type: 'spki', format: 'pem' }).toString();
  const privatePem = rsa.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
  const weakPem = weak.publicKey.export({ type: 'spki', format: 'pem' }).toString();

  it.each<[string, unknown, string]>([
    ['nothing', undefined, 'authentication has nothing; give either { hmac: … } or { jwt: … }'],
    ['null', null, 'authentication has nothing'],
    ['an empty object', {}, 'authentication has nothing'],
    ['both', { hmac: {}, jwt: {} }, 'authentication has hmac and jwt'],
    ['another kind', { basic: {} }, 'authentication has basic'],
    ['no options', { hmac: null }, 'authentication.hmac must be an object'],
    ['a misspelt option', { hmac: { secret } }, 'unknown options secret; it knows secrets, header'],
    ['no secrets', { hmac: {} }, 'a secret must be text, but is of type undefined'],
    ['an empty list', { hmac: { secrets: [] } }, 'hmac.secrets is an empty list'],
    ['a short secret', { hmac: { secrets: [secret, 'short'] } }, 'a secret has 5 bytes; at least 16'],
    ['an unknown algorithm', { hmac: { secrets: secret, algorithm: 'md5' } }, 'hmac.algorithm is "md5"'],
    ['a name of every object', { hmac: { secrets: secret, algorithm: 'constructor' } }, 'hmac.algorithm is'],
    ['no duration', { hmac: { secrets: secret, tolerance: '5' } }, 'hmac.tolerance: "5" is not a duration'],
    ['an empty header', { hmac: { secrets: secret, header: '' } }, 'must not be empty'],
    ['no key', { jwt: { algorithms: ['RS256'] } }, 'jwt has no key; give exactly one'],
    [
      'two keys',
      { jwt: { algorithms: ['HS256'], secret, publicKey: rsaPem } },
      'jwt has secret and publicKey',
    ],
    [
      'no algorithms',
      { jwt: { secret } },
      'jwt.algorithms is undefined; with jwt.secret it must be a list out of HS256',
    ],
    ['an empty list of algorithms', { jwt: { secret, algorithms: [] } }, 'jwt.algorithms is []'],
    ['none', { jwt: { secret, algorithms: ['none'] } }, 'jwt.algorithms is ["none"]'],
    [
      'HS with a public key',
      { jwt: { publicKey: rsaPem, algorithms: ['RS256', 'HS256'] } },
      'with jwt.publicKey it must be',
    ],
    ['RS with a secret', { jwt: { secret, algorithms: ['RS256'] } }, 'with jwt.secret it must be'],
    [
      'HS with fetched keys',
      { jwt: { jwksUrl: 'https://x.example', algorithms: ['HS256'] } },
      'with jwt.jwksUrl',
    ],
    [
      'a secret too short for it',
      { jwt: { secret, algorithms: ['HS256', 'HS512'] } },
      'needs at least 64 (RFC 7518',
    ],
    [
      'a private key',
      { jwt: { publicKey: privatePem, algorithms: ['RS256'] } },
      'jwt.publicKey is a private key',
    ],
    ['no PEM', { jwt: { publicKey: 'key', algorithms: ['RS256'] } }, 'is no PEM public key'],
    [
      'a key of another kind',
      { jwt: { publicKey: rsaPem, algorithms: ['ES256'] } },
      'is rsa; ES256 needs prime256v1',
    ],
    ['a weak key', { jwt: { publicKey: weakPem, algorithms: ['RS256'] } }, 'has 1024 bits'],
    ['an empty issuer', { jwt: { secret, algorithms: ['HS256'], issuer: '' } }, 'jwt.issuer is ""'],
    [
      'an empty list of audiences',
      { jwt: { secret, algorithms: ['HS256'], audience: [] } },
      'jwt.audience is []',
    ],
    ['no URL', { jwt: { jwksUrl: 'keys', algorithms: ['RS256'] } }, 'jwt.jwksUrl is "keys"'],
    [
      'plain http',
      { jwt: { jwksUrl: 'http://issuer.example/keys', algorithms: ['RS256'] } },
      'must be an https URL',
    ],
    ['a file', { jwt: { jwksUrl: 'file:///etc/keys', algorithms: ['RS256'] } }, 'must be an https URL'],
    [
      'no duration',
      { jwt: { secret, algorithms: ['HS256'], clockTolerance: -1 } },
      'jwt.clockTolerance: -1 is not',
    ],
  ])('refuses %s', (_what, options, words) => {
    let message = '';
    try {
      assertAuthentication(options);
    } catch (error) {
      expect(error).toBeInstanceOf(TypeError);
      message = (error as Error).message;
    }
    expect(message).toContain(words);
    expect(message).not.toContain(secret);
    expect(message).not.toContain('BEGIN PRIVATE');
  });

  it.each<[Authentication]>([
    [{ hmac: { secrets: secret } }],
    [{ hmac: { secrets: () => { throw new Error('not asked at boot'); } } }], // prettier-ignore
    [{ jwt: { jwksUrl: 'https://issuer.example/keys', algorithms: ['RS256', 'ES256', 'EdDSA'] } }],
    [
      {
        jwt: { publicKey: rsaPem, algorithms: ['RS256', 'PS512'], issuer: ['a', 'b'], clockTolerance: '0s' },
      },
    ],
  ])('accepts what works', (options) => {
    expect(() => {
      assertAuthentication(options);
    }).not.toThrow();
  });
});
