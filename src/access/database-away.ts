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
  if (!(error instanceof Error)) return false;
  // Node tries all addresses of a name and reports them together.
  if (error instanceof AggregateError && error.errors.some(isDatabaseAway)) return true;
  const { code } = error as NodeJS.ErrnoException;
  return (code !== undefined && SOCKET.has(code)) || WORDS.test(error.message) || isDatabaseAway(error.cause);
}

export function databaseUnavailable(cause?: unknown): Problem {
  return new Problem(503, 'database-unavailable', 'The database does not answer. Try again later.', {
    headers: { 'Retry-After': '5' },
    cause,
  });
}
