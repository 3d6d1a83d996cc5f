import { MIDDLEWARE_ORDER } from './message-middleware.decorator';
import {
  examinable,
  Rejected,
  type MiddlewareContext,
  type MiddlewareHandler,
  type Next,
} from '../message/message.module';

/** One step around a handler. Its function name is what errors call it by. */
export type Middleware = (context: MiddlewareContext, next: Next) => Promise<void> | void;

/** The end of a chain: the handler, or the stage that leads to it. */
export type Last = (context: MiddlewareContext) => Promise<void>;

export interface OrderedMiddleware {
  readonly order: number;
  readonly middleware: Middleware;
}

const straight = new WeakSet<Middleware>();

/**
 * Marks a built-in step that calls `next` once, as the last thing it does, and returns what that returns. It needs none of the care that
 * is taken of the steps of others, and costs no promise; a chain of three of them costs a tenth.
 */
export function goingStraightOn(step: Middleware): Middleware {
  straight.add(step);
  return step;
}

/** A middleware class's instance as a step that errors call by its class name. */
export function asMiddleware(instance: MiddlewareHandler): Middleware {
  const step: Middleware = (context, next) => instance.use(context, next);
  return Object.defineProperty(step, 'name', { value: instance.constructor.name });
}

/**
 * The steps in their stated order, parted at the idempotency stage (400).
 * Equal orders are sorted by name, so that every replica runs them alike.
 */
export function arrange(steps: readonly OrderedMiddleware[]): {
  outside: Middleware[];
  inside: Middleware[];
} {
  const sorted = [...steps].sort((a, b) => a.order - b.order || byText(a.middleware.name, b.middleware.name));
  const inOrder = (fits: (order: number) => boolean): Middleware[] =>
    sorted.filter(({ order }) => fits(order)).map(({ middleware }) => middleware);
  return {
    outside: inOrder((order) => order < MIDDLEWARE_ORDER.idempotency),
    inside: inOrder((order) => order >= MIDDLEWARE_ORDER.idempotency),
  };
}

/**
 * One function out of a chain of middleware and its end, made once per handler. What it rejects with can be examined, whatever was
 * thrown.
 *
 * No step can make a failure look like success:
 * - one that ends without having called `next` and without throwing is a dead letter `middleware-stopped`;
 * - a call of `next` that was not awaited is waited for all the same, also when the step throws;
 * - when what comes after fails and the step swallows it, that failure stands. To change an outcome, throw another error.
 *
 * `last` may end without going on (a duplicate): the stage that does so is a `last`, never a middleware.
 */
export function compose(middlewares: readonly Middleware[], last: Last): Last {
  const chain = middlewares.reduceRight<Last>((rest, middleware, index) => {
    return straight.has(middleware)
      ? (context) => middleware(context, () => rest(context)) as Promise<void>
      : link(middleware, middleware.name || `the middleware at position ${index + 1}`, rest);
  }, last);
  return (context) => start(chain, context).catch(throwExaminable);
}

function throwExaminable(error: unknown): never {
  throw examinable(error);
}

function link(middleware: Middleware, name: string, rest: Last): Last {
  return async (context) => {
    let ended = false;
    let watched: Promise<void> | undefined;
    let failure: { readonly error: unknown } | undefined;

    const fail = (error: unknown): void => {
      failure = { error };
    };
    const next: Next = () => {
      if (watched || ended) {
        const error = misuse(name, ended);
        if (!ended) fail(error);
        return refuse(error);
      }
      const running = start(rest, context);
      // Watched at once: a step that awaits something else first, or nothing at all, leaves no unhandled rejection.
      watched = running.then(undefined, fail);
      return running;
    };

    try {
      await middleware(context, next);
    } finally {
      ended = true;
      // Also after a throw: what runs inside must be over before the message is settled.
      if (watched) await watched;
    }
    if (failure) throw failure.error;
    if (!watched) throw stopped(name);
  };
}

/** A `last` that throws before it returns its promise fails like any other. */
function start(rest: Last, context: MiddlewareContext): Promise<void> {
  try {
    return rest(context);
  } catch (error) {
    return refuse(error);
  }
}

/** Rejected, and marked as handled: whoever does not await it must not bring the process down. */
function refuse(error: unknown): Promise<never> {
  // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors -- passes on what was thrown, whatever it is
  const refused: Promise<never> = Promise.reject(error);
  refused.catch(() => undefined);
  return refused;
}

function misuse(name: string, ended: boolean): Error {
  return new Error(
    ended
      ? `${name} called next() after it had ended; await it inside use()`
      : `${name} called next() twice; a handler runs once per delivery, throw to have the message tried again`,
  );
}

function stopped(name: string): Rejected {
  return new Rejected(
    'middleware-stopped',
    `${name} ended without calling next() and without throwing; throw new Discard(reason) to drop a message on purpose`,
  );
}

function byText(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
