import { cutText, escapeUnsafe } from './safe-text';
import { maskSecrets } from './secrets';

/** Log collectors split or drop longer lines. */
export const MAX_LINE_BYTES = 8 * 1024;
const LONGEST_VALUES = [2048, 512, 128] as const;
/** What a line is found by; the rest goes first when even short values are too many. */
const KEPT = [
  'level',
  'time',
  'service',
  'context',
  'msg',
  'transactionId',
  'queue',
  'attempt',
  'outcome',
  'traceId',
];

/**
 * A line as it may leave the process: one line, no secrets, no characters that forge or hide others, at most 8 KiB. Done
 * to every finished line, so that no place that logs has to remember it.
 */
export function guardedLine(line: string): string {
  const safe = escapeUnsafe(maskSecrets(line));
  return Buffer.byteLength(safe) <= MAX_LINE_BYTES ? safe : shortened(safe);
}

function shortened(line: string): string {
  const fields = JSON.parse(line) as Record<string, unknown>;
  for (const longest of LONGEST_VALUES) {
    const text = write(cutValues(fields, longest, 4));
    if (Buffer.byteLength(text) <= MAX_LINE_BYTES) return text;
  }
  const kept = Object.fromEntries(KEPT.filter((key) => key in fields).map((key) => [key, fields[key]]));
  return write(cutValues(kept, 512, 0));
}

function write(fields: unknown): string {
  return `${JSON.stringify({ ...(fields as object), cut: true })}\n`;
}

function cutValues(value: unknown, longest: number, depth: number): unknown {
  if (typeof value === 'string') return cutText(value, longest);
  if (typeof value !== 'object' || value === null) return value;
  if (depth < 0) return '…';
  if (Array.isArray(value)) return value.slice(0, 20).map((item) => cutValues(item, longest, depth - 1));
  return Object.fromEntries(
    Object.entries(value)
      .slice(0, 50)
      .map(([key, item]) => [cutText(key, 128), cutValues(item, longest, depth - 1)]),
  );
}
