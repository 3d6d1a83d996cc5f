import { createHmacCheck, type HmacOptions } from './hmac';
import { createJwtCheck, type JwtOptions } from './jwt';
import { goingStraightOn, type Middleware } from './middleware-chain';

/** How a consumer knows its producers. */
export type Authentication = { readonly hmac: HmacOptions } | { readonly jwt: JwtOptions };

/**
 * Built-in middleware: only messages with a valid signature (HMAC over the message) or token (JWT) of their producer
 * come through. Anything else is a dead letter `unauthenticated` that says why, without secrets or tokens.
 *
 * Retries, redeliveries and replays are checked again in everything but the clock: `isFollowUp` in freshness.ts states
 * the decision and its price.
 * @throws TypeError at boot, as `assertAuthentication`.
 */
export function createAuthenticate(options: Authentication): Middleware {
  const kind = kindOf(options);
  if (kind === 'hmac') {
    const check = createHmacCheck((options as { hmac: HmacOptions }).hmac);
    return goingStraightOn(function authenticate(context, next) {
      check(context);
      return next();
    });
  }
  const check = createJwtCheck((options as { jwt: JwtOptions }).jwt);
  return goingStraightOn(async function authenticate(context, next) {
    await check(context);
    await next();
  });
}

/** @throws TypeError naming the option, its value unless it is a secret, and what it must be. */
export function assertAuthentication(options: unknown): asserts options is Authentication {
  createAuthenticate(options as Authentication);
}

const KNOWN = {
  hmac: ['secrets', 'header', 'timestampHeader', 'tolerance', 'maxAge', 'algorithm'],
  jwt: [
    'header', 'secret', 'publicKey', 'jwksUrl', 'algorithms',
    'issuer', 'audience', 'clockTolerance', 'maxAge',
  ], // prettier-ignore
} as const;

function kindOf(options: unknown): 'hmac' | 'jwt' {
  const keys = isRecord(options) ? Object.keys(options) : [];
  const [kind] = keys;
  if (!isRecord(options) || keys.length !== 1 || (kind !== 'hmac' && kind !== 'jwt')) {
    throw new TypeError(
      `authentication has ${keys.length === 0 ? 'nothing' : keys.join(' and ')}; give either { hmac: … } or { jwt: … }`,
    );
  }
  const own = options[kind];
  if (!isRecord(own)) throw new TypeError(`authentication.${kind} must be an object of options`);
  const known: readonly string[] = KNOWN[kind];
  const unknown = Object.keys(own).filter((key) => !known.includes(key));
  if (unknown.length === 0) return kind;
  throw new TypeError(
    `authentication.${kind} has unknown options ${unknown.join(', ')}; it knows ${known.join(', ')}`,
  );
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
