import { describeError, examinable, Rejected } from '../message/message.module';
import { assertPayloadClass, isClass, validateClass, type PayloadClass } from './class-schema';
import { goingStraightOn, type Middleware } from './middleware-chain';
import {
  isStandardSchema,
  type StandardIssue,
  type StandardResult,
  type StandardSchema,
} from './standard-schema';
import type { Issue, Validation } from './validation';

/** A zod schema, any other Standard Schema, or a class with class-validator decorators. */
export type MessageSchema<T extends object = object> = StandardSchema | PayloadClass<T>;

/** A body can break a rule a million times; nobody reads more than this. */
const MAX_ISSUES = 100;
const MAX_MESSAGE = 2_000;

/** Whether a value can be the `schema` of a consumer; `createValidate` says precisely what is wrong with one. */
export function isSchema(value: unknown): value is MessageSchema {
  return isStandardSchema(value) || isClass(value);
}

/**
 * Built-in middleware: the message is what the schema says, and what the schema makes of it (defaults, conversions,
 * instances of a class) is what the handler gets.
 *
 * Standard Schemas keep or drop unknown properties as they say themselves; a class keeps them, so that producers can add some.
 * @throws TypeError or Error at boot when the schema cannot work.
 */
export function createValidate(schema: MessageSchema): Middleware {
  assertSchema(schema);
  return goingStraightOn(async function validate(context, next) {
    const validation = await validatePayload(schema, context.payload);
    if (!validation.ok) throw rejected(validation);
    context.payload = validation.value;
    await next();
  });
}

/** Never throws for what the payload is: a schema that throws has found it invalid, with the error as cause. */
export async function validatePayload(schema: MessageSchema, payload: unknown): Promise<Validation> {
  try {
    const validation = isStandardSchema(schema)
      ? await validateStandard(schema, payload)
      : await validateClass(schema, payload);
    return validation.ok ? validation : { ok: false, issues: cut(validation.issues) };
  } catch (cause) {
    return {
      ok: false,
      issues: [{ path: '', message: `the schema threw ${wordsOf(cause)}` }],
      cause: examinable(cause),
    };
  }
}

function assertSchema(schema: unknown): asserts schema is MessageSchema {
  if (isStandardSchema(schema)) return;
  if (!isClass(schema)) {
    throw new TypeError(
      `schema is ${schema === null ? 'null' : typeof schema}; it must be a zod schema (3.24 or newer), another Standard Schema ` +
        '(a property "~standard" of version 1), or a class with class-validator decorators',
    );
  }
  assertPayloadClass(schema);
}

async function validateStandard(schema: StandardSchema, payload: unknown): Promise<Validation> {
  const result = await askStandard(schema, payload);
  if (result.issues === undefined) return { ok: true, value: result.value };
  return {
    ok: false,
    issues: result.issues
      .slice(0, MAX_ISSUES + 1)
      .map((issue) => ({ path: pathOf(issue), message: wordsOf(issue.message) })),
  };
}

/** What zod schemas have beside the standard interface. */
interface Zod {
  safeParseAsync(
    payload: unknown,
  ): Promise<
    { success: true; data: unknown } | { success: false; error: { issues: readonly StandardIssue[] } }
  >;
}

/**
 * zod's `~standard` tries without async first and lets go of the promises of asynchronous refinements it met; one of them
 * rejecting later is an unhandled rejection, which ends the process. Its own asynchronous parse has no such attempt.
 */
async function askStandard(schema: StandardSchema, payload: unknown): Promise<StandardResult<unknown>> {
  if (!isZod(schema)) return schema['~standard'].validate(payload);
  const result = await schema.safeParseAsync(payload);
  return result.success ? { value: result.data } : { issues: result.error.issues };
}

function isZod(schema: StandardSchema): schema is StandardSchema & Zod {
  return (
    schema['~standard'].vendor === 'zod' && typeof (schema as Partial<Zod>).safeParseAsync === 'function'
  );
}

/** `['items', 2, 'price']` → `items[2].price` */
function pathOf({ path = [] }: StandardIssue): string {
  return path
    .map((segment) => (typeof segment === 'object' ? segment.key : segment))
    .reduce<string>((text, key) => {
      if (typeof key === 'number') return `${text}[${key}]`;
      return text === '' ? String(key) : `${text}.${String(key)}`;
    }, '');
}

function cut(issues: readonly Issue[]): readonly Issue[] {
  if (issues.length <= MAX_ISSUES) return issues;
  return [
    ...issues.slice(0, MAX_ISSUES),
    { path: '', message: `and more: only the first ${MAX_ISSUES} are listed` },
  ];
}

function rejected({ issues, cause }: Extract<Validation, { ok: false }>): Rejected {
  return new Rejected('invalid', describe(issues), cause === undefined ? undefined : { cause });
}

function describe(issues: readonly Issue[]): string {
  const text = issues.map(({ path, message }) => (path === '' ? message : `${path}: ${message}`)).join('; ');
  return text.length <= MAX_MESSAGE ? text : `${text.slice(0, MAX_MESSAGE)}…`;
}

/** What schemas of any origin say or throw, as text. */
function wordsOf(said: unknown): string {
  const { name, message } = describeError(said);
  return name === 'NonError' ? message : `${name}: ${message}`;
}
