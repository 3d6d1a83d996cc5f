import { inspect } from 'node:util';
import { cutText } from './safe-text';

const MAX_CODE_BYTES = 128;
const MAX_ERROR_BYTES = 1024;
const MAX_STACK_BYTES = 4 * 1024;

/**
 * What an error says of itself, bounded. Only the named properties: libraries hang queries with their parameters, requests
 * with their headers and whole responses on theirs. Thrown values need not be errors.
 */
export function describeError(error: unknown, withStack = false): Record<string, string> {
  if (!(error instanceof Error))
    return { type: typeof error, message: cutText(textOf(error), MAX_ERROR_BYTES) };
  const described: Record<string, string> = {
    type: cutText(error.name, MAX_CODE_BYTES),
    message: cutText(error.message, MAX_ERROR_BYTES),
  };
  if ('code' in error && typeof error.code === 'string')
    described['code'] = cutText(error.code, MAX_CODE_BYTES);
  const { cause } = error;
  if (cause instanceof Error)
    described['cause'] = cutText(`${cause.name}: ${cause.message}`, MAX_ERROR_BYTES);
  if (withStack && error.stack) described['stack'] = cutText(error.stack, MAX_STACK_BYTES);
  return described;
}

function textOf(value: unknown): string {
  if (typeof value === 'string') return value;
  return inspect(value, {
    depth: 1,
    breakLength: Infinity,
    maxStringLength: MAX_ERROR_BYTES,
    customInspect: false,
  });
}
