import type * as ClassTransformer from 'class-transformer';
import type * as ClassValidator from 'class-validator';
import type { ValidationError } from 'class-validator';
import type { Issue, Validation } from './validation';

/** A class whose properties carry class-validator decorators. */
export type PayloadClass<T extends object = object> = new (...args: never[]) => T;

interface Libraries {
  readonly validator: typeof ClassValidator;
  readonly transformer: typeof ClassTransformer;
}

/** Everything `class` makes, and constructors as TypeScript once compiled them; not arrow functions or methods. */
export function isClass(value: unknown): value is PayloadClass {
  return typeof value === 'function' && Object.hasOwn(value, 'prototype');
}

/**
 * Finds at boot what would fail at every message.
 * @throws TypeError when the class carries no class-validator decorator; Error when a library is missing.
 */
export function assertPayloadClass(type: PayloadClass): void {
  const { validator } = load(type);
  const metadata = validator.getMetadataStorage().getTargetValidationMetadatas(type, '', false, false);
  if (metadata.length > 0) return;
  throw new TypeError(
    `the class ${type.name} cannot validate messages: it has no class-validator decorators on its properties, ` +
      'or they come from a second copy of class-validator (npm ls class-validator)',
  );
}

export async function validateClass(type: PayloadClass, payload: unknown): Promise<Validation> {
  // class-transformer would make an empty list of instances out of [], and validating that would find nothing wrong.
  if (!isRecord(payload)) {
    return { ok: false, issues: [{ path: '', message: `expected an object, got ${kindOf(payload)}` }] };
  }
  const { validator, transformer } = load(type);
  const value = transformer.plainToInstance(type as new () => object, payload);
  const errors = await validator.validate(value, { whitelist: false, forbidUnknownValues: true });
  return errors.length === 0
    ? { ok: true, value }
    : { ok: false, issues: errors.flatMap((error) => flatten(error)) };
}

/** Both are optional: only who validates with classes needs them. Node keeps what was loaded. */
function load(type: PayloadClass): Libraries {
  try {
    return {
      // eslint-disable-next-line @typescript-eslint/no-require-imports -- optional, loaded when first needed
      validator: require('class-validator') as typeof ClassValidator,
      // eslint-disable-next-line @typescript-eslint/no-require-imports -- optional, loaded when first needed
      transformer: require('class-transformer') as typeof ClassTransformer,
    };
  } catch (error) {
    throw new Error(
      `the class ${type.name} validates messages, which needs class-validator and class-transformer: ` +
        'npm install class-validator class-transformer',
      { cause: error },
    );
  }
}

function flatten(error: ValidationError, parent = ''): Issue[] {
  const path = /^\d+$/.test(error.property)
    ? `${parent}[${error.property}]`
    : [parent, error.property].filter((part) => part !== '').join('.');
  const own = Object.values(error.constraints ?? {}).map((message) => ({ path, message }));
  return [...own, ...(error.children ?? []).flatMap((child) => flatten(child, path))];
}

function isRecord(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !ArrayBuffer.isView(value);
}

function kindOf(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'an array';
  if (ArrayBuffer.isView(value)) return 'bytes (is the content-type application/json?)';
  return typeof value;
}
