import type { ApiResponseSchemaHost } from '@nestjs/swagger';
import { z } from 'zod';

type SchemaObject = ApiResponseSchemaHost['schema'];

/** The OpenAPI words for a zod schema: one source for what is checked and what is documented. */
export function openApiSchema(schema: z.ZodType, io: 'input' | 'output' = 'input'): SchemaObject {
  return z.toJSONSchema(schema, { target: 'openapi-3.0', io }) as SchemaObject;
}

const problemSchema = z
  .object({
    type: z.string().describe('`urn:holdfast:problem:<code>`'),
    title: z.string(),
    status: z.number().int(),
    code: z.string().describe('Stable: decide by it.'),
    detail: z.string().describe('For people.'),
    issues: z.array(z.object({ path: z.string(), message: z.string() })).optional(),
  })
  .describe('A problem as RFC 9457 describes it.');

/** What swagger's response decorators take for an answer with a problem. */
export function problemResponse(description: string): {
  description: string;
  content: Record<string, { schema: SchemaObject }>;
} {
  return {
    description,
    content: { 'application/problem+json': { schema: openApiSchema(problemSchema, 'output') } },
  };
}

/** For writes: `@ApiHeader(IDEMPOTENCY_KEY_HEADER)`. */
export const IDEMPOTENCY_KEY_HEADER = {
  name: 'Idempotency-Key',
  required: false,
  description: 'The same key twice acts once: a repetition within a day gets the answer of the first one.',
  schema: { type: 'string', maxLength: 200 },
};
