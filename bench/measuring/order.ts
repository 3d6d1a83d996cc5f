import { randomUUID } from 'node:crypto';

/** The same for all. */
export const QUEUE = 'bench';
export const PREFETCH = 250;
export const POOL_SIZE = 20;

const BODY_BYTES = 1_024;

/** The body of every message: 1 KiB of JSON. */
export interface BenchMessage {
  readonly sequence: number;
  readonly customer: string;
  readonly cents: number;
  /** By `now()`, where the way of a message is timed from its publication on. */
  readonly sentAt?: number;
}

/** Milliseconds on the one clock that all processes of a machine share. */
export function now(): number {
  return Number(process.hrtime.bigint() / 1_000n) / 1_000;
}

export interface Publication {
  readonly body: Buffer;
  readonly messageId: string;
}

export function publicationOf(sequence: number, sentAt?: number): Publication {
  const message: BenchMessage & { note: string } = {
    sequence,
    customer: `customer-${String(sequence % 1_000)}`,
    cents: sequence % 10_000,
    ...(sentAt === undefined ? {} : { sentAt }),
    note: '',
  };
  const room = BODY_BYTES - JSON.stringify(message).length;
  return {
    body: Buffer.from(JSON.stringify({ ...message, note: 'x'.repeat(room) })),
    messageId: randomUUID(),
  };
}
