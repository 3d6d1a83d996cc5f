import type { Publication } from '../broker/broker.module';

/** A publication as columns of its row. */
export interface StoredForm {
  readonly message_id: string;
  readonly exchange: string;
  readonly routing_key: string;
  readonly properties: string;
  readonly headers: string;
  /** All of the above without loss, where they have lost something; null where they have not. */
  readonly exact: string | null;
}

/** The same as Postgres and its driver give it back. */
export interface ReadForm {
  readonly exchange: string;
  readonly routing_key: string;
  readonly properties: Publication['properties'];
  readonly headers: Record<string, unknown>;
  readonly exact: string | null;
}

/**
 * Neither text nor jsonb of Postgres can hold NUL, and JSON has no bytes: what contains them is written a second time without loss. The
 * other columns then show it as well as they can, to people and to a version that does not know `exact`.
 */
export function toStored({
  exchange,
  routingKey,
  properties,
  headers,
}: Omit<Publication, 'body'>): StoredForm {
  const propertiesJson = JSON.stringify(properties);
  const headersJson = JSON.stringify(headers);
  const messageId = properties.messageId ?? '';
  const lossless =
    !hasNul(exchange, routingKey) && !/\\u0000/.test(propertiesJson + headersJson) && !hasBytes(headers);
  return {
    message_id: lossless ? messageId : visible(messageId),
    exchange: lossless ? exchange : visible(exchange),
    routing_key: lossless ? routingKey : visible(routingKey),
    properties: lossless ? propertiesJson : visible(propertiesJson),
    headers: lossless ? headersJson : visible(headersJson),
    exact: lossless ? null : JSON.stringify({ exchange, routingKey, properties, headers: encode(headers) }),
  };
}

/** The publication of a row, as it was written. */
export function fromStored(row: ReadForm): Omit<Publication, 'body'> {
  if (row.exact === null) {
    const { exchange, routing_key: routingKey, properties, headers } = row;
    return { exchange, routingKey, properties, headers };
  }
  const exact = JSON.parse(row.exact) as Omit<Publication, 'body'>;
  return { ...exact, headers: decode(exact.headers) as Record<string, unknown> };
}

function hasNul(...texts: readonly string[]): boolean {
  return texts.some((text) => text.includes('\0'));
}

function hasBytes(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return Buffer.isBuffer(value) || Object.values(value).some(hasBytes);
}

function visible(text: string): string {
  return text.replaceAll('\0', '\ufffd').replaceAll('\\u0000', '\\ufffd');
}

/** Lists and bytes as lists that say which: `['list', …]` and `['bytes', base64]`. */
function encode(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (Buffer.isBuffer(value)) return ['bytes', value.toString('base64')];
  if (Array.isArray(value)) return ['list', ...value.map(encode)];
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, encode(one)]));
}

function decode(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) {
    const [kind, ...rest] = value as unknown[];
    return kind === 'bytes' ? Buffer.from(String(rest[0]), 'base64') : rest.map(decode);
  }
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, decode(one)]));
}
