import { types } from 'node:util';

export interface ErrorDescription {
  /** The class, e.g. `TypeError`; `NonError` for whatever else was thrown. */
  readonly name: string;
  readonly message: string;
  readonly stack: string | undefined;
}

const LONGEST_NAME = 128;
const LONGEST_MESSAGE = 8_192;
const LONGEST_HEADING = 512;
const INDESCRIBABLE = 'something was thrown that cannot be described';
/** As far as chains of causes are followed anywhere. */
const CAUSES = 5;
/** Turns into text what is tested, and throws where that is not possible. */
const ANYTHING = /^/;

/**
 * Puts whatever was thrown into words. Never throws: handlers throw undefined, frozen objects and objects with throwing getters. What
 * can be read of an error is told, also when the rest cannot.
 */
export function describeError(thrown: unknown): ErrorDescription {
  if (!isError(thrown)) {
    const value = (): unknown => (typeof thrown === 'object' ? JSON.stringify(thrown) : thrown);
    return { name: 'NonError', message: read(value, LONGEST_MESSAGE) ?? INDESCRIBABLE, stack: undefined };
  }
  return {
    name: read(() => nameOf(thrown), LONGEST_NAME) || 'Error',
    message: read(() => thrown.message, LONGEST_MESSAGE) ?? INDESCRIBABLE,
    stack: stackOf(thrown),
  };
}

/**
 * What was thrown, as it is; or an Error in its place when it cannot even be looked at: `instanceof` and reading a property run code of
 * whoever made the value (getters, traps of a Proxy), and what that throws would end a rollback or a settlement half-way.
 */
export function examinable(thrown: unknown): unknown {
  try {
    lookAt(thrown);
    return thrown;
  } catch {
    const { message } = describeError(thrown);
    return Object.assign(new Error(message), { name: 'NonError' });
  }
}

/** Every look that is taken at an error on its way to an outcome. The stack is not among them: it costs too much to be read twice. */
function lookAt(thrown: unknown): void {
  for (let at = thrown, depth = 0; at instanceof Error && depth < CAUSES; depth++) {
    const { name, message, code, severity, driverError, cause } = at as Error &
      Record<'code' | 'severity' | 'driverError', unknown>;
    for (const word of [name, message, String(at), typeof code, typeof severity]) ANYTHING.test(word);
    at = driverError instanceof Error && driverError !== at ? driverError : cause;
  }
}

/** Not `instanceof` alone: under a test runner, errors of Node itself come from another realm. */
function isError(thrown: unknown): thrown is Error {
  try {
    return thrown instanceof Error || types.isNativeError(thrown);
  } catch {
    return false;
  }
}

/** `class CardDeclined extends Error {}` bears the name of Error; what it is called says more. */
function nameOf(error: Error): unknown {
  return error.name === 'Error' ? error.constructor.name : error.name;
}

function stackOf(error: Error): string | undefined {
  return (
    read(() => (typeof error.stack === 'string' ? shortened(error.stack) : ''), LONGEST_MESSAGE) || undefined
  );
}

/** A stack begins with the message; where that is long, it must leave room for the frames, which are told nowhere else. */
function shortened(stack: string): string {
  const frames = stack.indexOf('\n    at ');
  if (frames <= LONGEST_HEADING) return stack;
  return `${stack.slice(0, LONGEST_HEADING)}…${stack.slice(frames)}`;
}

/** The value as text; undefined when it cannot be had. */
function read(value: () => unknown, longest: number): string | undefined {
  try {
    return String(value()).slice(0, longest).toWellFormed();
  } catch {
    return undefined;
  }
}
