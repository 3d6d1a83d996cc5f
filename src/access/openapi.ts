import {
  ApiProperty,
  type ApiResponseOptions,
  type ApiResponseSchemaHost,
  getSchemaPath,
} from '@nestjs/swagger';
import { z } from 'zod';

type SchemaObject = ApiResponseSchemaHost['schema'];

/** The OpenAPI words for a zod schema: one source for what is checked and what is documented. */
export function openApiSchema(schema: z.ZodType, io: 'input' | 'output' = 'input'): SchemaObject {
  return z.toJSONSchema(schema, { target: 'openapi-3.0', io }) as SchemaObject;
}

class ProblemIssue {
  @ApiProperty()
  path!: string;
  @ApiProperty()
  message!: string;
}

/** A problem as RFC 9457 describes it. A class, so that an adopter's own description of the API finds it by name. */
export class HoldfastProblem {
  @ApiProperty({ example: 'urn:holdfast:problem:unknown-type' })
  type!: string;
  @ApiProperty()
  title!: string;
  @ApiProperty({ type: 'integer' })
  status!: number;
  @ApiProperty({ description: 'Stable: decide by it.' })
  code!: string;
  @ApiProperty({ description: 'For people.' })
  detail!: string;
  @ApiProperty({ type: [ProblemIssue], required: false })
  issues?: ProblemIssue[];
}

/** What swagger's response decorators take for an answer with a problem. */
export function problemResponse(description: string): ApiResponseOptions {
  const schema = { $ref: getSchemaPath(HoldfastProblem) };
  return { description, content: { 'application/problem+json': { schema } } };
}

/** For writes: `@ApiHeader(IDEMPOTENCY_KEY_HEADER)`. */
export const IDEMPOTENCY_KEY_HEADER = {
  name: 'Idempotency-Key',
  required: false,
  description: 'The same key twice acts once: a repetition within a day gets the answer of the first one.',
  schema: { type: 'string', maxLength: 200 },
};
