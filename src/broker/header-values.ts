/** The largest double below 2^64: what amqplib reads of later timestamps rounds up to 2^64, which it cannot write. */
export const LATEST_TIMESTAMP = 2 ** 64 - 2 ** 11;
const INT64 = 2 ** 63;
/** From here on amqplib takes every number for a whole one. */
const WHOLE = 2 ** 50;

/**
 * A header value as amqplib has read it, put so that it can write it again. It guesses types, and some guesses cannot be written; and
 * it takes an object with a key `!` for a value whose type that names, so that a producer's own table with such a key has to be told
 * apart.
 * @throws RangeError when it is nested too deeply.
 */
export function writable(value: unknown): unknown {
  if (typeof value === 'number') return isGuessedRight(value) ? value : { '!': 'double', value };
  if (typeof value !== 'object' || value === null || Buffer.isBuffer(value)) return value;
  if (Array.isArray(value)) return value.map(writable);
  const table = ownEntries(value);
  const { '!': type, value: typed } = table;
  if (type === 'timestamp' && typeof typed === 'number')
    return { '!': 'timestamp', value: Math.min(typed, LATEST_TIMESTAMP) };
  if (type === 'decimal' && isDecimal(typed)) return table;
  const entries = Object.entries(table).map(([key, one]) => [key, writable(one)] as const);
  return type === undefined
    ? Object.fromEntries(entries)
    : { '!': 'object', value: Object.fromEntries(entries) };
}

/** A table in which `__proto__` is a key like any other: amqplib makes its value the prototype of the table. */
export function ownEntries(table: object): Record<string, unknown> {
  const prototype: unknown = Object.getPrototypeOf(table);
  if (prototype === Object.prototype) return table as Record<string, unknown>;
  return Object.defineProperty({ ...table }, '__proto__', { value: prototype, enumerable: true });
}

function isGuessedRight(number: number): boolean {
  if (Math.abs(number) < WHOLE) return true;
  return number >= INT64 || (number >= -INT64 && Number.isInteger(number));
}

function isDecimal(value: unknown): boolean {
  const { places, digits } = (value ?? {}) as { places?: unknown; digits?: unknown };
  return isUnsigned(places, 8) && isUnsigned(digits, 32);
}

function isUnsigned(value: unknown, bits: number): boolean {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value < 2 ** bits;
}
