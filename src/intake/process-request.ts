import { z } from 'zod';

/** The broker, Holdfast or routing would act on these, whoever wrote them. */
const REFUSED_HEADERS = [
  /^x-death$/i,
  /^x-.*-death-/i,
  /^b?cc$/i,
  /^x-(?:delay|match|retry-count|delivery-count|acquired-count)$/i,
  /^x-stream-/i,
  /^holdfast-/i,
  /^(?:__proto__|constructor|prototype)$/,
];
/** AMQP writes names and ids with one byte of length. */
const SHORT_STRING_BYTES = 255;
const MOST_HEADER_BYTES = 16 * 1024;

/** An id that AMQP can carry and Postgres can store. */
export const transactionIdSchema = z
  .string()
  .min(1)
  .refine((id) => Buffer.byteLength(id) <= SHORT_STRING_BYTES, { error: 'expected at most 255 bytes' })
  .refine((id) => !/\p{Cc}/u.test(id) && id.isWellFormed(), { error: 'expected no control characters' });

const headersSchema = z
  .record(
    z.string(),
    z.union([z.string(), z.number(), z.boolean()], { error: 'expected a string, number or boolean' }),
  )
  .superRefine((headers, context) => {
    for (const name of Object.keys(headers)) {
      const message = headerProblem(name);
      if (message) context.addIssue({ code: 'custom', path: [name], message });
    }
    if (Buffer.byteLength(JSON.stringify(headers)) > MOST_HEADER_BYTES) {
      context.addIssue({ code: 'custom', message: 'expected at most 16 KiB of headers' });
    }
  });

export const processRequestSchema = z.strictObject({
  type: z.string().min(1).describe('A queue, or the type of one of its handlers.'),
  payload: z
    .unknown()
    .refine((payload) => payload !== undefined, { error: 'expected a JSON value' })
    .describe('The message, as its handler expects it.'),
  transactionId: transactionIdSchema
    .optional()
    .describe('What makes the message unique; made up when absent.'),
  headers: headersSchema
    .optional()
    .describe(
      'AMQP headers: strings, numbers, booleans. Names that the broker or Holdfast act on are refused.',
    ),
});

export type ProcessRequest = z.output<typeof processRequestSchema>;

export const acceptedSchema = z.object({
  transactionId: z
    .string()
    .describe('Under this id the message is found at `/api/v1/messages/{transactionId}`.'),
  status: z.literal('accepted'),
});

export type Accepted = z.output<typeof acceptedSchema>;

function headerProblem(name: string): string | undefined {
  if (name.toLowerCase() === 'x-transaction-id') return 'expected the id in the field transactionId';
  if (REFUSED_HEADERS.some((refused) => refused.test(name))) {
    return 'this header steers the broker or Holdfast and cannot be set';
  }
  const isCarried = name !== '' && Buffer.byteLength(name) <= SHORT_STRING_BYTES && name.isWellFormed();
  return isCarried ? undefined : 'expected a name of 1 to 255 bytes';
}
