import { types } from 'node:util';
import { classifySqlError } from '../database/database.module';
import { Problem } from './problem';

const SOCKET = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ETIMEDOUT',
  'EPIPE',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
]);
/** pg gives these no code. */
const WORDS = /^(?:Connection terminated|timeout exceeded when trying to connect|Query read timeout)/;

/** True when the database could not be asked, as opposed to having refused what it was asked. */
export function isDatabaseAway(error: unknown): boolean {
  if (classifySqlError(error) === 'infrastructure') return true;
  // Not instanceof: errors of sockets may come from another realm, as under jest.
  if (!types.isNativeError(error)) return false;
  const { code, errors } = error as NodeJS.ErrnoException & Partial<AggregateError>;
  // Node tries all addresses of a name and reports them together.
  if (Array.isArray(errors) && errors.some(isDatabaseAway)) return true;
  return (code !== undefined && SOCKET.has(code)) || WORDS.test(error.message) || isDatabaseAway(error.cause);
}

export function databaseUnavailable(cause?: unknown): Problem {
  return new Problem(503, 'database-unavailable', 'The database does not answer. Try again later.', {
    headers: { 'Retry-After': '5' },
    cause,
  });
}
