import { Injectable, type PipeTransform } from '@nestjs/common';
import type { z } from 'zod';
import { isDeeperThan } from './json-depth';
import { type Issue, Problem } from './problem';

/** No request of this API needs more; deeper ones are meant to exhaust the stack of whatever walks them. */
export const DEEPEST_REQUEST = 100;

/**
 * Checks a body or a query by a zod schema: `@Body(new ZodBody(schema))`. Write schemas with `z.strictObject`, so that
 * a mistyped field is refused instead of ignored.
 */
@Injectable()
export class ZodBody<Schema extends z.ZodType> implements PipeTransform<unknown, z.output<Schema>> {
  constructor(private readonly schema: Schema) {}

  transform(value: unknown): z.output<Schema> {
    if (isDeeperThan(value, DEEPEST_REQUEST)) {
      throw invalidRequest([{ path: '', message: `nested deeper than ${String(DEEPEST_REQUEST)} levels` }]);
    }
    // An absent body is an empty one: the schema then names the fields that are missing.
    const parsed = this.schema.safeParse(value ?? {});
    if (parsed.success) return parsed.data;
    throw invalidRequest(
      parsed.error.issues.map(({ path, message }) => ({ path: path.map(String).join('.'), message })),
    );
  }
}

export function invalidRequest(issues: readonly Issue[]): Problem {
  const detail = issues.map(({ path, message }) => (path ? `${path}: ${message}` : message)).join('; ');
  return new Problem(400, 'invalid-request', detail, { issues });
}
