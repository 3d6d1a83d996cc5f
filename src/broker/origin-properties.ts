import { cut } from './cut';

const LONGEST = 1_024;
/** What each of those that steer a message may count on, key included. */
const SHARE = 96;
/** These come first, the shortest of them first: a long death history must not push out what steers a message. */
const STEERING = ['CC', 'BCC', 'expiration', 'userId', 'clusterId'];

interface Entry {
  readonly key: string;
  readonly json: string;
}

/**
 * JSON of what could not be copied, at most 1 KiB: whole entries as long as there is room, and of what is too long for it the beginning
 * of its JSON, as a string.
 * @returns undefined when there is nothing.
 */
export function describeOrigin(withheld: Readonly<Record<string, unknown>>): string | undefined {
  const { steering, others } = sortOut(withheld);
  const parts: string[] = [];
  let room = LONGEST - '{}'.length;
  const tell = ({ key, json }: Entry, reserved: number): void => {
    const value = within(json, room - reserved - Buffer.byteLength(key) - ':,'.length);
    if (value === undefined) return;
    const part = `${key}:${value}`;
    parts.push(part);
    room -= Buffer.byteLength(part) + ','.length;
  };
  steering.forEach((entry, i) => {
    tell(entry, SHARE * (steering.length - 1 - i));
  });
  for (const entry of others) tell(entry, 0);
  return parts.length === 0 ? undefined : `{${parts.join(',')}}`;
}

/** What an earlier copy said could not be copied. A producer's own header of that name is held to the same bounds. */
export function readOrigin(header: unknown): Record<string, unknown> {
  if (typeof header !== 'string' || Buffer.byteLength(header) > LONGEST) return {};
  try {
    const value: unknown = JSON.parse(header);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : {};
  } catch {
    return {};
  }
}

function sortOut(withheld: Readonly<Record<string, unknown>>): Record<'steering' | 'others', Entry[]> {
  const entryOf = (name: string): Entry => ({ key: JSON.stringify(name), json: jsonOf(withheld[name]) });
  const names = Object.keys(withheld);
  const steering = names.filter((name) => STEERING.includes(name)).map(entryOf);
  return {
    steering: steering.sort((a, b) => a.json.length - b.json.length),
    others: names.filter((name) => !STEERING.includes(name)).map(entryOf),
  };
}

function within(json: string, room: number): string | undefined {
  if (Buffer.byteLength(json) <= room) return json;
  // In a string of JSON every quote of the inner JSON takes two.
  const half = Math.floor((room - '""'.length) / 2);
  return half < SHARE / 4 ? undefined : JSON.stringify(cut(json, half));
}

function jsonOf(value: unknown): string {
  try {
    return JSON.stringify(value);
  } catch {
    return '"(nested too deeply to be told)"';
  }
}
