import { randomFillSync } from 'node:crypto';

/** The W3C trace context of a message: which trace it belongs to and which span published it. */
export interface TraceContext {
  /** 32 lower-case hex digits, not all zero. */
  readonly traceId: string;
  /** 16 lower-case hex digits, not all zero: the producer's span. */
  readonly spanId: string;
  readonly sampled: boolean;
}

const TRACEPARENT = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/;
const SAMPLED = 0x01;

/**
 * Reads a `traceparent` header as the W3C recommendation says; undefined when there is none or it is not valid.
 * Version 00 has exactly four parts; a later version may have more, ff is none.
 */
export function parseTraceparent(value: unknown): TraceContext | undefined {
  const match = typeof value === 'string' ? TRACEPARENT.exec(value) : null;
  if (!match) return undefined;
  const [, version, traceId = '', spanId = '', flags = '', more] = match;
  if (version === 'ff' || (version === '00' && more !== undefined)) return undefined;
  if (isZero(traceId) || isZero(spanId)) return undefined;
  return { traceId, spanId, sampled: (Number.parseInt(flags, 16) & SAMPLED) !== 0 };
}

export function formatTraceparent(context: TraceContext): string {
  return `00-${context.traceId}-${context.spanId}-${context.sampled ? '01' : '00'}`;
}

/** The producer's trace, or one of its own for a message whose producer named none. */
export function traceIdOf(headers: Readonly<Record<string, unknown>>): string {
  return parseTraceparent(headers['traceparent'])?.traceId ?? newTraceId();
}

const ID_BYTES = 16;
/** Randomness for some hundred ids at once: every message without a trace gets one, and a UUID cut to digits costs twice as much. */
const randomness = Buffer.allocUnsafe(512 * ID_BYTES);
let used = randomness.length;

function newTraceId(): string {
  if (used === randomness.length) {
    randomFillSync(randomness);
    used = 0;
  }
  const id = randomness.toString('hex', used, (used += ID_BYTES));
  return isZero(id) ? newTraceId() : id;
}

function isZero(hex: string): boolean {
  return /^0+$/.test(hex);
}
