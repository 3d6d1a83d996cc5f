import { z } from 'zod';
import { FINDING_KINDS } from '../message/message.module';
import type { ConsumerStatus } from './consumer-status';

/** `ConsumerStatus` in the words of the API's description; the compiler keeps the two alike. */
export const consumerStatusSchema = z.object({
  queue: z.string(),
  state: z.enum(['starting', 'running', 'paused', 'waiting', 'drifted', 'stopped']),
  reason: z.string().nullable().describe('Why it is not running.'),
  handlers: z.array(
    z.object({
      class: z.string(),
      method: z.string(),
      types: z.array(z.string()),
      batchSize: z
        .number()
        .int()
        .optional()
        .describe('The most messages of one call; missing where each message is a call.'),
    }),
  ),
  idempotency: z.array(z.string()),
  concurrency: z.number().int(),
  prefetch: z.number().int(),
  inFlight: z.number().int().describe('Handlers running now.'),
  waiting: z.number().int().describe('Delivered and waiting for a free handler or a dependency.'),
  paused: z.object({ by: z.string(), at: z.string(), reason: z.string().nullable() }).nullable(),
  drift: z.array(
    z.object({
      queue: z.string(),
      argument: z.string(),
      declared: z.string(),
      existing: z.string(),
      tolerated: z.boolean().describe('Consuming goes on; only a safety net is missing.'),
      mend: z.string(),
    }),
  ),
  findings: z
    .array(
      z.object({
        object: z.string().describe('The work queue or its dead-letter queue.'),
        kind: z.enum(FINDING_KINDS),
        policy: z.string().nullable(),
        key: z.string().nullable(),
        value: z.union([z.string(), z.number()]).nullable(),
        effect: z.string(),
        mend: z.string(),
      }),
    )
    .describe('What policies of the broker, or a missing queue, do to its messages.'),
  retryDelays: z.array(z.string()).describe('The delays before each further try.'),
  deadLetterQueue: z.string(),
}) satisfies z.ZodType<ConsumerStatus>;
