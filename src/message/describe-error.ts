export interface ErrorDescription {
  /** The class, e.g. `TypeError`; `NonError` for whatever else was thrown. */
  readonly name: string;
  readonly message: string;
  readonly stack: string | undefined;
}

const LONGEST_MESSAGE = 8_192;
const LONGEST_HEADING = 512;

/** Puts whatever was thrown into words. Never throws: handlers throw undefined, frozen objects and objects with throwing getters. */
export function describeError(thrown: unknown): ErrorDescription {
  try {
    if (thrown instanceof Error) {
      return {
        name: text(nameOf(thrown), 128) || 'Error',
        message: text(thrown.message, LONGEST_MESSAGE),
        stack: typeof thrown.stack === 'string' ? text(shortened(thrown.stack), LONGEST_MESSAGE) : undefined,
      };
    }
    return {
      name: 'NonError',
      message: text(typeof thrown === 'object' ? JSON.stringify(thrown) : thrown, LONGEST_MESSAGE),
      stack: undefined,
    };
  } catch {
    return { name: 'NonError', message: 'something was thrown that cannot be described', stack: undefined };
  }
}

/** `class CardDeclined extends Error {}` bears the name of Error; what it is called says more. */
function nameOf(error: Error): unknown {
  return error.name === 'Error' ? error.constructor.name : error.name;
}

/** A stack begins with the message; where that is long, it must leave room for the frames, which are told nowhere else. */
function shortened(stack: string): string {
  const frames = stack.indexOf('\n    at ');
  if (frames <= LONGEST_HEADING) return stack;
  return `${stack.slice(0, LONGEST_HEADING)}…${stack.slice(frames)}`;
}

function text(value: unknown, longest: number): string {
  return String(value).slice(0, longest).toWellFormed();
}
