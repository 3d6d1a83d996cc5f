import { applyDecorators, Injectable, SetMetadata } from '@nestjs/common';
import type { MiddlewareHandler } from '../message/message.module';

/**
 * The stated order around a handler: lower runs earlier and therefore further outside.
 * A middleware of your own goes anywhere between these, before the first or after the last.
 */
export const MIDDLEWARE_ORDER = {
  /** Built in: who sent it. */
  authenticate: 100,
  /** Built in: bytes become a value. */
  decode: 200,
  /** Built in: the value is what the handler expects. */
  validate: 300,
  /** The idempotency stage: the transaction opens here and duplicates end here. */
  idempotency: 400,
  /** Where a middleware stands that names no order. */
  user: 500,
} as const;

export interface MessageMiddlewareOptions {
  /** Default 500. Below 400 it runs outside the transaction and sees duplicates too; above 400 inside it. */
  readonly order?: number;
  /** Only for the consumers of these queues. Default: all. */
  readonly queues?: readonly string[];
  /** True: that no module provides it is no mistake, as for a class that a library offers. Default false. */
  readonly optional?: boolean;
}

export interface MessageMiddlewareMetadata {
  readonly order: number;
  /** Undefined: every queue. */
  readonly queues: readonly string[] | undefined;
}

const METADATA = 'holdfast:message-middleware';

/** Every decorated class that was loaded and is not optional: one that no module provides would never run, in silence. */
const decorated: { readonly name: string; readonly prototype: object }[] = [];
const TAKEN: readonly number[] = [
  MIDDLEWARE_ORDER.authenticate,
  MIDDLEWARE_ORDER.decode,
  MIDDLEWARE_ORDER.validate,
  MIDDLEWARE_ORDER.idempotency,
];

/**
 * Makes a class run around handlers: `use(context, next)`. The class becomes injectable; list it in a module's providers.
 *
 * Order: authenticate 100 → decode 200 → validate 300 → the idempotency stage 400 → your middleware (500 unless it
 * says otherwise) → the handler. What runs before 200 sees `context.payload` as a Buffer; what runs before 400 is
 * outside the transaction (`context.tx` throws there) and also sees duplicates; what runs after 400 commits and rolls back with the
 * handler. Middleware of one order runs in the order of its class names.
 *
 * Call `next` once and await it. Throw to end early: `Discard` drops the message on purpose, `PermanentError` makes it a dead letter.
 * @throws TypeError when the options or the class are wrong, naming the class.
 */
export function MessageMiddleware(
  options: MessageMiddlewareOptions = {},
): <Class extends new (...args: never[]) => MiddlewareHandler>(target: Class) => void {
  return (target) => {
    applyDecorators(Injectable(), SetMetadata(METADATA, read(options, target)))(target);
    if (options.optional !== true) decorated.push(target);
  };
}

/** The names of decorated classes whose prototype is not among these. */
export function middlewareBeyond(prototypes: readonly object[]): string[] {
  return decorated.filter(({ prototype }) => !prototypes.includes(prototype)).map(({ name }) => name);
}

/** What `@MessageMiddleware` said about this very class; undefined for any other value, subclasses included. */
export function readMessageMiddleware(target: unknown): MessageMiddlewareMetadata | undefined {
  if (typeof target !== 'function') return undefined;
  return Reflect.getOwnMetadata(METADATA, target) as MessageMiddlewareMetadata | undefined;
}

function read(
  options: MessageMiddlewareOptions,
  target: { name: string; prototype: unknown },
): MessageMiddlewareMetadata {
  const fail = (what: string): never => {
    throw new TypeError(`@MessageMiddleware on ${target.name}: ${what}`);
  };
  const known = ['order', 'queues', 'optional'];
  const unknown = Object.keys(options).filter((key) => !known.includes(key));
  if (unknown.length > 0) fail(`unknown option ${unknown.join(', ')}; it knows ${known.join(', ')}`);

  const { order = MIDDLEWARE_ORDER.user, queues } = options;
  if (typeof order !== 'number' || !Number.isFinite(order)) {
    fail(`order is ${JSON.stringify(order)}; it must be a finite number, like 500`);
  }
  if (TAKEN.includes(order))
    fail(`order ${order} is taken by ${builtInAt(order)}; use ${order - 1} or ${order + 1}`);
  if (queues !== undefined && !isListOfNames(queues)) {
    fail(
      `queues is ${JSON.stringify(queues)}; it must be a list of queue names, or left out for all of them`,
    );
  }
  if (typeof (target.prototype as Partial<MiddlewareHandler>).use !== 'function') {
    fail('the class has no method use(context, next)');
  }
  return { order, queues: queues && [...queues] };
}

function builtInAt(order: number): string {
  const name = Object.entries(MIDDLEWARE_ORDER).find(([, taken]) => taken === order)?.[0] ?? '';
  return name === 'idempotency' ? 'the idempotency stage' : `the built-in ${name}`;
}

function isListOfNames(value: unknown): boolean {
  return (
    Array.isArray(value) && value.length > 0 && value.every((name) => typeof name === 'string' && name !== '')
  );
}
