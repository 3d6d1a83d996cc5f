import { Rejected, UNREADABLE_HEADERS, type Headers } from '../message/message.module';

export function unauthenticated(why: string): Rejected {
  return new Rejected('unauthenticated', why);
}

/** @throws Rejected `malformed` when nobody knows what the producer said in them. */
export function assertReadable(headers: Headers): void {
  if (headers !== UNREADABLE_HEADERS) return;
  throw new Rejected(
    'malformed',
    'the headers cannot be read: they are nested too deeply, or their x-death is no list of tables; let the producer send flat ones',
  );
}

/**
 * A header by its name in any case: `Authorization` and `authorization` are one to most producers, but not to AMQP.
 * The name as configured comes first.
 * @throws as `assertReadable`.
 */
export function readHeader(headers: Headers, name: string): unknown {
  assertReadable(headers);
  if (Object.hasOwn(headers, name)) return headers[name];
  const wanted = name.toLowerCase();
  const found = Object.keys(headers).find((key) => key.toLowerCase() === wanted);
  return found === undefined ? undefined : headers[found];
}

/** @throws Rejected `unauthenticated` when it is missing, empty, not text or longer than `maxLength`. */
export function requireText(headers: Headers, name: string, maxLength: number): string {
  const value = readHeader(headers, name);
  if (value === undefined || value === null || value === '')
    throw unauthenticated(`the header ${name} is missing`);
  if (typeof value !== 'string') {
    throw unauthenticated(`the header ${name} must be text, but is of type ${typeof value}`);
  }
  if (value.length <= maxLength) return value;
  throw unauthenticated(`the header ${name} has ${value.length} characters; at most ${maxLength} are read`);
}
