import { createPublicKey, createSecretKey, type KeyObject } from 'node:crypto';
import { createRemoteJWKSet, errors, jwtVerify, type JWTVerifyGetKey, type JWTVerifyOptions } from 'jose';
import type { Duration, MiddlewareContext } from '../message/message.module';
import { DEFAULT_MAX_AGE, isFollowUp, nowInSeconds, secondsOf } from './freshness';
import { requireText, unauthenticated } from './headers';

export type JwtAlgorithm =
  | 'HS256' | 'HS384' | 'HS512'
  | 'RS256' | 'RS384' | 'RS512'
  | 'PS256' | 'PS384' | 'PS512'
  | 'ES256' | 'ES384' | 'ES512'
  | 'EdDSA'; // prettier-ignore

/** Exactly one of `secret`, `publicKey` and `jwksUrl`. */
export interface JwtOptions {
  /** Default `authorization`; `Bearer ` in front of the token is accepted. */
  readonly header?: string;
  /** For the HS algorithms. */
  readonly secret?: string;
  /** PEM, for all others. */
  readonly publicKey?: string;
  /** Where the issuer publishes its keys; https, or http on this machine. */
  readonly jwksUrl?: string;
  /** No default, on purpose: the token must not choose how it is checked. */
  readonly algorithms: readonly JwtAlgorithm[];
  readonly issuer?: string | readonly string[];
  readonly audience?: string | readonly string[];
  /** For `exp` and `nbf`. Default `30s`. */
  readonly clockTolerance?: Duration;
  /**
   * How long after its expiry a token still counts on a retry, redelivery or replay. Default `14d`; see `isFollowUp` in
   * freshness.ts for what a shorter one protects from. At the first delivery nothing but `clockTolerance` is added, so that a
   * message that waits in the queue beyond its token's expiry ends as a dead letter.
   */
  readonly maxAge?: Duration;
}

const SYMMETRIC: Readonly<Record<string, number>> = { HS256: 32, HS384: 48, HS512: 64 };
/** What a public key must be for an algorithm: its type and, for elliptic curves, the curve. */
const ASYMMETRIC: Readonly<Record<string, { types: readonly string[]; curve?: string }>> = {
  RS256: { types: ['rsa'] },
  RS384: { types: ['rsa'] },
  RS512: { types: ['rsa'] },
  PS256: { types: ['rsa', 'rsa-pss'] },
  PS384: { types: ['rsa', 'rsa-pss'] },
  PS512: { types: ['rsa', 'rsa-pss'] },
  ES256: { types: ['ec'], curve: 'prime256v1' },
  ES384: { types: ['ec'], curve: 'secp384r1' },
  ES512: { types: ['ec'], curve: 'secp521r1' },
  EdDSA: { types: ['ed25519', 'ed448'] },
};
const MAX_TOKEN_LENGTH = 16_384;

/** The issuer's keys could not be had. Not the message's fault, and so no Rejected: it is tried again. */
class KeySetUnavailableError extends Error {
  override readonly name = 'KeySetUnavailableError';
}

/** @throws TypeError at boot naming the option; otherwise a check that rejects with Rejected `unauthenticated`. */
export function createJwtCheck(options: JwtOptions): (context: MiddlewareContext) => Promise<void> {
  const { header = 'authorization' } = options;
  if (header === '') throw new TypeError('jwt.header must not be empty');
  const tolerance = secondsOf('jwt.clockTolerance', options.clockTolerance ?? '30s');
  const maxAge = Math.max(tolerance, secondsOf('jwt.maxAge', options.maxAge ?? DEFAULT_MAX_AGE));
  const key = keySource(options);
  const demands = demandsOf(options);

  return async ({ delivery }) => {
    const token = requireText(delivery.headers, header, MAX_TOKEN_LENGTH).replace(/^Bearer\s+/i, '');
    const clockTolerance = isFollowUp(delivery) ? maxAge : tolerance;
    const { nbf } = await verify(token, key, { ...demands, clockTolerance }, header);
    // Only the expiry is set back for a retry; jose knows one tolerance for both.
    if (nbf !== undefined && nbf > nowInSeconds() + tolerance) {
      throw unauthenticated(`the token in ${header} is not valid yet (nbf)`);
    }
  };
}

async function verify(
  token: string,
  key: JWTVerifyGetKey,
  demands: JWTVerifyOptions,
  header: string,
): Promise<{ nbf?: number | undefined }> {
  try {
    return (await jwtVerify(token, key, demands)).payload;
  } catch (error) {
    if (error instanceof KeySetUnavailableError) throw error;
    // No cause: jose's errors carry the claims, and claims end up in logs.
    throw unauthenticated(`the token in ${header} is refused: ${(error as Error).message}`);
  }
}

function demandsOf({ issuer, audience, algorithms }: JwtOptions): JWTVerifyOptions {
  return {
    algorithms: [...algorithms],
    requiredClaims: ['exp'],
    ...(issuer === undefined ? {} : { issuer: names('jwt.issuer', issuer) }),
    ...(audience === undefined ? {} : { audience: names('jwt.audience', audience) }),
  };
}

/** An empty issuer or audience would check nothing. */
function names(option: string, value: string | readonly string[]): string[] {
  const list: unknown[] = Array.isArray(value) ? value : [value];
  if (list.length > 0 && list.every((name) => typeof name === 'string' && name !== ''))
    return list as string[];
  throw new TypeError(
    `${option} is ${JSON.stringify(value)}; it must be a name or a list of names, or be left out`,
  );
}

function keySource(options: JwtOptions): JWTVerifyGetKey {
  const given = (['secret', 'publicKey', 'jwksUrl'] as const).filter((name) => options[name] !== undefined);
  if (given.length !== 1) {
    throw new TypeError(
      `jwt has ${given.length === 0 ? 'no key' : given.join(' and ')}; give exactly one of secret, publicKey and jwksUrl`,
    );
  }
  const { secret, publicKey, jwksUrl, algorithms } = options;
  assertAlgorithms(
    algorithms,
    secret !== undefined ? Object.keys(SYMMETRIC) : Object.keys(ASYMMETRIC),
    given[0] ?? '',
  );
  if (jwksUrl !== undefined) return remoteKeys(jwksUrl);
  const key = secret !== undefined ? secretKey(secret, algorithms) : readPublicKey(publicKey, algorithms);
  return () => Promise.resolve(key);
}

/** One kind of algorithm per kind of key: an HS token signed with our public key as its secret has no way in. */
function assertAlgorithms(algorithms: unknown, allowed: readonly string[], key: string): void {
  const list: unknown[] = Array.isArray(algorithms) ? algorithms : [];
  const wrong = list.filter((name) => typeof name !== 'string' || !allowed.includes(name));
  if (list.length > 0 && wrong.length === 0) return;
  throw new TypeError(
    `jwt.algorithms is ${JSON.stringify(algorithms)}; with jwt.${key} it must be a list out of ${allowed.join(', ')}`,
  );
}

function secretKey(secret: unknown, algorithms: readonly string[]): KeyObject {
  if (typeof secret !== 'string')
    throw new TypeError(`jwt.secret must be text, but is of type ${typeof secret}`);
  const bytes = Buffer.from(secret);
  const needed = Math.max(...algorithms.map((name) => SYMMETRIC[name] ?? 0));
  if (bytes.length >= needed) return createSecretKey(bytes);
  throw new TypeError(
    `jwt.secret has ${bytes.length} bytes; ${algorithms.join(', ')} needs at least ${needed} (RFC 7518, 3.2)`,
  );
}

function readPublicKey(pem: unknown, algorithms: readonly string[]): KeyObject {
  if (typeof pem !== 'string')
    throw new TypeError(`jwt.publicKey must be PEM text, but is of type ${typeof pem}`);
  if (pem.includes('PRIVATE KEY')) {
    throw new TypeError(
      'jwt.publicKey is a private key; who only checks tokens must not hold it (openssl pkey -pubout)',
    );
  }
  const key = parsePem(pem);
  for (const name of algorithms) assertFits(key, name);
  return key;
}

function parsePem(pem: string): KeyObject {
  try {
    return createPublicKey(pem);
  } catch (error) {
    throw new TypeError('jwt.publicKey is no PEM public key or certificate (-----BEGIN PUBLIC KEY-----)', {
      cause: error,
    });
  }
}

function assertFits(key: KeyObject, algorithm: string): void {
  const { types, curve } = ASYMMETRIC[algorithm] ?? { types: [] };
  const { modulusLength, namedCurve } = key.asymmetricKeyDetails ?? {};
  const type = key.asymmetricKeyType ?? 'unknown';
  if (!types.includes(type) || (curve !== undefined && curve !== namedCurve)) {
    throw new TypeError(
      `jwt.publicKey is ${[type, namedCurve].filter(Boolean).join(' ')}; ${algorithm} needs ${curve ?? types.join(' or ')}`,
    );
  }
  if (modulusLength !== undefined && modulusLength < 2048) {
    throw new TypeError(`jwt.publicKey has ${modulusLength} bits; ${algorithm} needs at least 2048`);
  }
}

/** Keys are kept for ten minutes; unknown key ids ask again at most every thirty seconds, so that tokens cannot make us flood the issuer. */
function remoteKeys(jwksUrl: unknown): JWTVerifyGetKey {
  const url = readUrl(jwksUrl);
  const remote = createRemoteJWKSet(url, {
    timeoutDuration: 5_000,
    cooldownDuration: 30_000,
    cacheMaxAge: 600_000,
  });
  return async (protectedHeader, token) => {
    try {
      return await remote(protectedHeader, token);
    } catch (error) {
      if (error instanceof errors.JWKSNoMatchingKey || error instanceof errors.JWKSMultipleMatchingKeys)
        throw error;
      throw new KeySetUnavailableError(
        `no keys to be had from ${url.origin}${url.pathname}: ${(error as Error).message}`,
        {
          cause: error,
        },
      );
    }
  };
}

function readUrl(jwksUrl: unknown): URL {
  const url = typeof jwksUrl === 'string' && URL.canParse(jwksUrl) ? new URL(jwksUrl) : undefined;
  const isLocal = url !== undefined && ['localhost', '127.0.0.1', '[::1]'].includes(url.hostname);
  if (url && (url.protocol === 'https:' || (url.protocol === 'http:' && isLocal))) return url;
  throw new TypeError(
    `jwt.jwksUrl is ${JSON.stringify(jwksUrl)}; it must be an https URL (http only to this machine): ` +
      'whoever can change the answer can sign messages',
  );
}
