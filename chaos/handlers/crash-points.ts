/** The named points of the way of a message at which a process can be told to die. */
export const CRASH_POINTS = [
  'delivered',
  'decoded',
  'claimed',
  'handled',
  'before-commit',
  'committed',
  'before-ack',
  'retry-recorded',
  'retry-sent',
  'retry-confirmed',
  'retry-before-ack',
  'dead-recorded',
  'dead-sent',
  'dead-confirmed',
  'dead-before-ack',
  'outbox-sent',
  'outbox-confirmed',
] as const;

export type CrashPoint = (typeof CRASH_POINTS)[number];
