import type { Publication } from './publication';
import { UnpublishableError } from './unpublishable-error';

/** What amqplib writes a header table into; a longer one it refuses. */
const TABLE_BYTES = 65_536;
/** AMQP's short strings: names, and properties that are text. */
const NAME_BYTES = 255;
/** Deeper than anybody nests, and far from what overflows the stack of those who write and read it. */
const DEPTH = 1_000;

const TEXTS = new Set([
  'contentType',
  'contentEncoding',
  'correlationId',
  'replyTo',
  'expiration',
  'messageId',
  'type',
  'appId',
]);
const NUMBERS = new Map([
  ['priority', 255],
  ['timestamp', Number.MAX_SAFE_INTEGER],
]);

/** Headers with which RabbitMQ sends a message elsewhere too; anything but a list of texts closes the channel under all others. */
const CARBON_COPIES = new Set(['CC', 'BCC']);

/** Whole numbers of a stated type: smallest, largest, bytes. */
const INTEGERS: Readonly<Record<string, readonly [bigint, bigint, number]>> = {
  byte: [-(2n ** 7n), 2n ** 7n, 1],
  int8: [-(2n ** 7n), 2n ** 7n, 1],
  unsignedbyte: [0n, 2n ** 8n, 1],
  uint8: [0n, 2n ** 8n, 1],
  short: [-(2n ** 15n), 2n ** 15n, 2],
  int16: [-(2n ** 15n), 2n ** 15n, 2],
  unsignedshort: [0n, 2n ** 16n, 2],
  uint16: [0n, 2n ** 16n, 2],
  int: [-(2n ** 31n), 2n ** 31n, 4],
  int32: [-(2n ** 31n), 2n ** 31n, 4],
  unsignedint: [0n, 2n ** 32n, 4],
  uint32: [0n, 2n ** 32n, 4],
  long: [-(2n ** 63n), 2n ** 63n, 8],
  int64: [-(2n ** 63n), 2n ** 63n, 8],
  timestamp: [0n, 2n ** 64n, 8],
};
const FLOATS: Readonly<Record<string, readonly [number, number]>> = {
  double: [Number.MAX_VALUE, 8],
  float64: [Number.MAX_VALUE, 8],
  float: [2 ** 128 - 2 ** 104, 4],
};

/**
 * A publication as it will be written, a copy of its own: nothing that its publisher changes later shows in it. Judged here, where the one
 * who made the mistake hears of it; what gets through can be put on the wire.
 * @throws UnpublishableError it never can be; says what is wrong, and what mends it.
 */
export function publishable({ exchange, routingKey, body, properties, headers }: Publication): Publication {
  return {
    exchange: shortText('the exchange', exchange),
    routingKey: shortText('the routing key', routingKey),
    body,
    properties: writtenProperties(properties),
    headers: new HeaderWriter().table(headers),
  };
}

function writtenProperties(properties: object): Publication['properties'] {
  const written: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(properties) as [string, unknown][]) {
    if (value === undefined || value === null) continue;
    const largest = NUMBERS.get(name);
    if (TEXTS.has(name)) written[name] = shortText(name, value);
    else if (largest !== undefined) written[name] = wholeNumber(name, value, largest);
    else throw new UnpublishableError(`${name} is no property that can be published; leave it out`);
  }
  return written;
}

function shortText(what: string, value: unknown): string {
  if (typeof value !== 'string')
    throw new UnpublishableError(`${what} must be text, and is ${describe(value)}`);
  const bytes = Buffer.byteLength(value);
  if (bytes > NAME_BYTES)
    throw new UnpublishableError(
      `${what} has ${String(bytes)} bytes, and AMQP allows ${String(NAME_BYTES)}: shorten ${JSON.stringify(`${value.slice(0, 40)}…`)}`,
    );
  return value.toWellFormed();
}

function wholeNumber(what: string, value: unknown, largest: number): number {
  if (typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= largest) return value;
  throw new UnpublishableError(
    `${what} must be a whole number from 0 to ${String(largest)}, and is ${describe(value)}`,
  );
}

/** Copies a header table, and counts the bytes it will have. */
class HeaderWriter {
  private bytes = 0;
  private depth = 0;

  table(table: object): Record<string, unknown> {
    this.count(4);
    const entries: [string, unknown][] = [];
    for (const [name, value] of Object.entries(table) as [string, unknown][]) {
      if (value === undefined) continue;
      this.count(1 + Buffer.byteLength(shortText('a header name', name)));
      if (CARBON_COPIES.has(name) && this.depth === 0) assertTexts(name, value);
      entries.push([name.toWellFormed(), this.value(name, value)]);
    }
    // Not by assignment: `__proto__` is a name like any other.
    return Object.fromEntries(entries);
  }

  private value(name: string, value: unknown): unknown {
    switch (typeof value) {
      case 'string':
        this.count(5 + Buffer.byteLength(value));
        return value.toWellFormed();
      case 'number':
        return this.number(name, value);
      case 'boolean':
        this.count(2);
        return value;
      case 'undefined':
        this.count(1);
        return null;
      case 'object':
        return this.nested(name, value);
      default:
        throw unwritable(name, value, 'use text, a number, true, false, null, a Buffer, a list or an object');
    }
  }

  private nested(name: string, value: object | null): unknown {
    this.count(1);
    if (value === null) return null;
    if (value instanceof Uint8Array) {
      this.count(4 + value.length);
      return Buffer.from(value);
    }
    if (++this.depth > DEPTH) {
      throw new UnpublishableError(
        `the header "${name}" is nested more than ${String(DEPTH)} deep, or contains itself: flatten it`,
      );
    }
    const written = this.inside(name, value);
    this.depth--;
    return written;
  }

  private inside(name: string, value: object): unknown {
    if (Array.isArray(value)) {
      this.count(4);
      // Over holes too, which `map` leaves.
      return Array.from(value, (one: unknown) => this.value(name, one));
    }
    if ('toJSON' in value && typeof value.toJSON === 'function') {
      this.bytes--;
      return this.value(name, (value.toJSON as () => unknown)());
    }
    if (Object.hasOwn(value, '!')) return this.typed(name, value as { '!': unknown; value?: unknown });
    return this.table(value);
  }

  /** amqplib's way of naming a type: `{ '!': 'timestamp', value: 1700000000 }`. */
  private typed(name: string, { '!': type, value }: { '!': unknown; value?: unknown }): unknown {
    const kind = String(type);
    const integer = INTEGERS[kind];
    const float = FLOATS[kind];
    if (integer) {
      const [smallest, beyond, size] = integer;
      const whole = typeof value === 'bigint' || Number.isInteger(value) ? BigInt(value as number) : beyond;
      if (whole < smallest || whole >= beyond) throw unwritable(name, value, `it does not fit a ${kind}`);
      this.count(size);
      // amqplib reads the digits of a long or a timestamp; JSON has no bigint.
      return {
        '!': kind,
        value: typeof value !== 'bigint' ? value : size === 8 ? String(value) : Number(value),
      };
    }
    if (float) {
      const [largest, size] = float;
      if (typeof value !== 'number' || !(Math.abs(value) <= largest))
        throw unwritable(name, value, `it does not fit a ${kind}`);
      this.count(size);
      return { '!': kind, value };
    }
    if (kind === 'decimal') return { '!': kind, value: this.decimal(name, value) };
    this.bytes--;
    if (kind === 'object' && typeof value === 'object' && value !== null && !(value instanceof Uint8Array)) {
      this.count(1);
      // Told apart from a value whose type is named, a table may have a key `!`.
      return { '!': kind, value: Array.isArray(value) ? this.inside(name, value) : this.table(value) };
    }
    if (kind === typeof value || (kind === 'object' && value instanceof Uint8Array))
      return this.value(name, value);
    throw unwritable(name, value, `it is no ${kind}`);
  }

  private decimal(name: string, value: unknown): unknown {
    const { places, digits } = (value ?? {}) as { places?: unknown; digits?: unknown };
    const fits = (one: unknown, bits: number): boolean =>
      Number.isInteger(one) && (one as number) >= 0 && (one as number) < 2 ** bits;
    if (!fits(places, 8) || !fits(digits, 32))
      throw unwritable(name, value, 'a decimal is { places: 0 to 255, digits: 0 to 4294967295 }');
    this.count(5);
    return { places, digits };
  }

  private number(name: string, value: number): unknown {
    if (!Number.isFinite(value)) throw unwritable(name, value, 'the broker takes no such number');
    if (Number.isInteger(value) && value >= -(2 ** 63) && value < 2 ** 63) {
      this.count(value >= -128 && value < 128 ? 2 : value >= -32_768 && value < 32_768 ? 3 : 5);
      if (value < -(2 ** 31) || value >= 2 ** 31) this.count(4);
      return value;
    }
    this.count(9);
    // amqplib takes every number from 2^50 on for a whole one, and cannot write those that are none.
    return { '!': 'double', value };
  }

  private count(bytes: number): void {
    this.bytes += bytes;
    if (this.bytes > TABLE_BYTES) {
      throw new UnpublishableError(
        `the headers are larger than ${String(TABLE_BYTES)} bytes, the most that can be sent: put what is large into the body`,
      );
    }
  }
}

function assertTexts(name: string, value: unknown): void {
  if (Array.isArray(value) && value.every((one) => typeof one === 'string')) return;
  throw unwritable(name, value, 'RabbitMQ takes a list of routing keys there');
}

function unwritable(name: string, value: unknown, mend: string): UnpublishableError {
  return new UnpublishableError(`the header "${name}" cannot be ${describe(value)}: ${mend}`);
}

function describe(value: unknown): string {
  if (typeof value === 'object' && value !== null) return `an object`;
  if (typeof value === 'string') return JSON.stringify(value.slice(0, 40));
  return typeof value === 'function' || typeof value === 'symbol' ? `a ${typeof value}` : String(value);
}
