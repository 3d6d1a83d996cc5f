import { z } from 'zod';
import { parseDuration, type Duration } from '../message/message.module';
import {
  assertAuthentication,
  createValidate,
  type Authentication,
  type MessageSchema,
} from '../middleware/middleware.module';
import type { BatchConsumerOptions, ConsumerOptions } from './consumer-options';
import { readRetryPolicy, type RetryPolicy } from './retry-schedule';

/** AMQP short strings have 255 bytes, and the dead-letter queue's name needs four of them. */
const LONGEST_QUEUE_NAME = 251;
const LONGEST_TIMER_MS = 24 * 86_400_000;

const text = z.string().min(1);
const fn = z.custom((value) => typeof value === 'function', 'expected a function');
const whole = (min: number, max: number) => z.number().int().min(min).max(max);

/** A value that a function of ours judges by throwing. */
function judged<T>(judge: (value: T) => unknown) {
  return z.custom<T>().superRefine((value, context) => {
    try {
      judge(value);
    } catch (error) {
      context.addIssue({ code: 'custom', message: error instanceof Error ? error.message : String(error) });
    }
  });
}

const verdict = z.union([
  z.enum(['retry', 'dead-letter', 'discard']),
  z.strictObject({ retryAfter: judged(parseDuration) }),
]);

const OPTIONS = z.strictObject({
  queue: text
    .refine((name) => Buffer.byteLength(name) <= LONGEST_QUEUE_NAME, `at most ${LONGEST_QUEUE_NAME} bytes`)
    .refine((name) => !name.startsWith('amq.'), 'names that begin with "amq." are the broker’s own'),
  type: z.union([text, z.array(text).min(1)]).optional(),
  typeFrom: z.union([z.literal('type'), z.strictObject({ header: text }), fn]).optional(),
  onUnknownType: z.enum(['dead-letter', 'discard']).optional(),
  bindings: z
    .array(
      z.strictObject({
        exchange: text,
        routingKey: z.string(),
        exchangeType: z.enum(['topic', 'direct', 'fanout', 'headers']).optional(),
      }),
    )
    .optional(),
  queueType: z.enum(['quorum', 'classic']).optional(),
  declare: z.boolean().optional(),
  schema: judged<MessageSchema>(createValidate).optional(),
  retry: judged<RetryPolicy>(readRetryPolicy).optional(),
  immediateRetries: whole(0, 10).optional(),
  classify: z.array(z.strictObject({ when: fn, then: verdict })).optional(),
  idempotency: z.enum(['transactional', 'lease', 'off']).optional(),
  commit: z.enum(['own', 'shared']).optional(),
  groupSize: whole(2, 1_000).optional(),
  transactionId: fn.optional(),
  onMissingTransactionId: z.enum(['dead-letter', 'process']).optional(),
  concurrency: whole(1, 10_000).optional(),
  prefetch: whole(1, 65_535).optional(),
  timeout: judged(assertTimeout).optional(),
  deliveryLimit: whole(2, 1_000).optional(),
  authenticate: judged<Authentication>(assertAuthentication).optional(),
});

const BATCH_OPTIONS = OPTIONS.omit({ commit: true, groupSize: true, immediateRetries: true }).extend({
  batchSize: whole(2, 1_000).optional(),
  idempotency: z
    .enum(
      ['transactional', 'off'],
      "a batch is one transaction ('transactional'), or has none ('off'); for anything else use @ReliableConsumer",
    )
    .optional(),
});

/**
 * @param isBatch whether it takes many messages at once.
 * @returns what is wrong with the options of one method, one sentence each; empty when nothing is.
 */
export function optionProblems(options: unknown, isBatch = false): string[] {
  if (!isBatch && typeof options === 'object' && options !== null && 'batchSize' in options) {
    return [
      'batchSize is for handlers that take many messages at once: @ReliableBatchConsumer, or consumers.registerBatch; this one gets one at a time',
    ];
  }
  const allowed = isBatch ? BATCH_OPTIONS : OPTIONS;
  const { error } = allowed.safeParse(options);
  if (error) {
    return error.issues.map((issue) => {
      const path = issue.path.join('.');
      if (path !== '') return `${path}: ${issue.message}`;
      if (issue.code !== 'unrecognized_keys') return issue.message;
      return `unknown option ${issue.keys.join(', ')}; there are ${Object.keys(allowed.shape).join(', ')}`;
    });
  }
  return contradictions(options as ConsumerOptions & BatchConsumerOptions);
}

function contradictions(options: ConsumerOptions & BatchConsumerOptions): string[] {
  const problems: string[] = [];
  const say = (wrong: boolean | undefined, problem: string): void => {
    if (wrong) problems.push(problem);
  };
  const { prefetch, concurrency, batchSize } = options;
  say(
    prefetch !== undefined && concurrency !== undefined && prefetch < concurrency,
    `prefetch (${String(prefetch)}) is below concurrency (${String(concurrency)}): some handlers could never run; raise prefetch or leave it out`,
  );
  say(
    options.idempotency === 'off' &&
      (options.transactionId !== undefined || options.onMissingTransactionId !== undefined),
    "idempotency is 'off', so transactionId and onMissingTransactionId have no effect; leave them out, or use 'transactional' or 'lease'",
  );
  say(
    options.commit === 'shared' && (options.idempotency ?? 'transactional') !== 'transactional',
    `commit is 'shared' and idempotency is '${String(options.idempotency)}', which has no transaction to share; use 'transactional', or leave commit out`,
  );
  say(
    options.commit !== 'shared' && options.groupSize !== undefined,
    "groupSize has no effect without commit: 'shared'; leave it out, or share the commit",
  );
  say(
    options.groupSize !== undefined && concurrency !== undefined && concurrency < options.groupSize,
    `concurrency (${String(concurrency)}) is below groupSize (${String(options.groupSize)}): a group could never fill; raise concurrency, best to twice the group, or leave it out`,
  );
  say(
    batchSize !== undefined && concurrency !== undefined && concurrency < batchSize,
    `concurrency (${String(concurrency)}) is below batchSize (${String(batchSize)}): a batch could never fill; raise concurrency, best to twice the batch, or leave it out`,
  );
  say(
    options.declare === false && options.queueType !== undefined,
    'declare is false, so queueType has no effect; leave one of them out',
  );
  say(
    options.type === undefined && options.onUnknownType !== undefined,
    'onUnknownType has no effect on a handler without a type, which takes every message; name its type',
  );
  return problems;
}

function assertTimeout(value: Duration): void {
  const ms = parseDuration(value);
  if (ms < 1) throw new RangeError('must be longer than 0');
  // A longer one overflows, and the timer ends at once.
  if (ms > LONGEST_TIMER_MS) throw new RangeError('must be at most 24d');
}
