import { Rejected, type Headers } from '../message/message.module';

export function unauthenticated(why: string): Rejected {
  return new Rejected('unauthenticated', why);
}

/**
 * A header by its name in any case: `Authorization` and `authorization` are one to most producers, but not to AMQP.
 * The name as configured comes first.
 */
export function readHeader(headers: Headers, name: string): unknown {
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
