import { describeError } from '../../message/message.module';
import { cutText } from './safe-text';

const MAX_CODE_BYTES = 128;
const MAX_ERROR_BYTES = 1024;
const MAX_STACK_BYTES = 4 * 1024;

/**
 * What an error says of itself, bounded for a line of the log. Only the named properties: libraries hang queries with their
 * parameters, requests with their headers and whole responses on theirs.
 */
export function errorFields(thrown: unknown, withStack = false): Record<string, string> {
  const { name, message, stack } = describeError(thrown);
  const fields: Record<string, string> = {
    type: cutText(name, MAX_CODE_BYTES),
    message: cutText(message, MAX_ERROR_BYTES),
  };
  if (!(thrown instanceof Error)) return fields;
  if ('code' in thrown && typeof thrown.code === 'string')
    fields['code'] = cutText(thrown.code, MAX_CODE_BYTES);
  if (thrown.cause instanceof Error) {
    const cause = describeError(thrown.cause);
    fields['cause'] = cutText(`${cause.name}: ${cause.message}`, MAX_ERROR_BYTES);
  }
  if (withStack && stack) fields['stack'] = cutText(stack, MAX_STACK_BYTES);
  return fields;
}
