import { z } from 'zod';
import type { InboxRow } from '../idempotency/idempotency.module';

const stateSchema = z.enum(['running', 'completed', 'discarded', 'retrying', 'dead']);

const eventSchema = z.object({
  at: z.string().describe('ISO 8601, by the clock of the database.'),
  queue: z.string(),
  attempt: z.number().int().describe('Which try it was, from 1.'),
  outcome: z.string().describe('`running`, `completed`, `discarded`, `retrying` or `dead`.'),
  reason: z.string().nullable(),
  error: z.string().nullable(),
  handler: z.string().nullable(),
});

export const messageHistorySchema = z.object({
  transactionId: z.string(),
  consumers: z.array(
    z.object({
      queue: z.string(),
      state: stateSchema,
      failedAttempts: z.number().int(),
      reason: z.string().nullable(),
      dueAt: z
        .string()
        .nullable()
        .describe('When the next try is due, or the lease of a running one ends; null when there is none.'),
      receivedAt: z.string(),
      updatedAt: z.string(),
    }),
  ),
  timeline: z.array(eventSchema).describe('What happened to the message, oldest first.'),
});

export type MessageHistory = z.output<typeof messageHistorySchema>;
type TimelineEvent = z.output<typeof eventSchema>;

/** What all consumers know of one message, as one story. */
export function tellHistory(transactionId: string, rows: readonly InboxRow[]): MessageHistory {
  return {
    transactionId,
    consumers: rows.map((row) => ({
      queue: row.consumer,
      state: row.state,
      failedAttempts: row.failedAttempts,
      reason: row.reason,
      dueAt: row.dueAt?.toISOString() ?? null,
      receivedAt: row.receivedAt.toISOString(),
      updatedAt: row.updatedAt.toISOString(),
    })),
    timeline: rows.flatMap(eventsOf).sort((a, b) => Date.parse(a.at) - Date.parse(b.at)),
  };
}

function eventsOf(row: InboxRow): TimelineEvent[] {
  const queue = row.consumer;
  const past = row.history.map(({ at, attempt, outcome, reason, error, handler }) => {
    return { at: new Date(at).toISOString(), queue, attempt, outcome, reason, error, handler };
  });
  // Failures are in the history; a run that goes on, or ended without failure, is only in the row itself.
  if (row.state === 'retrying' || row.state === 'dead') return past;
  const attempt = row.failedAttempts + 1;
  const at = row.updatedAt.toISOString();
  return [
    ...past,
    { at, queue, attempt, outcome: row.state, reason: row.reason, error: null, handler: null },
  ];
}
