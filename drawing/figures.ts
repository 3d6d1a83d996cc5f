/* Numbers as people read them; the progress, the table and the plot write them alike. */

const SECOND = 1_000;
const MINUTE = 60 * SECOND;

/** 48210 → `48 210` */
export function count(number: number): string {
  return Math.round(number).toLocaleString('en-US').replaceAll(',', ' ');
}

/** 75000 → `01:15`, 3675000 → `1:01:15` */
export function clock(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / SECOND));
  const hours = Math.floor(seconds / 3_600);
  const rest = [Math.floor(seconds / 60) % 60, seconds % 60].map((part) => String(part).padStart(2, '0'));
  return hours > 0 ? [hours, ...rest].join(':') : rest.join(':');
}

/** 3240 → `3.2 s`, 75000 → `1 min 15 s` */
export function duration(ms: number): string {
  const tenths = Math.round(ms / (SECOND / 10));
  if (tenths < MINUTE / (SECOND / 10)) return `${(tenths / 10).toFixed(1)} s`;
  const seconds = Math.round(ms / SECOND);
  return [Math.floor(seconds / 60), 'min', seconds % 60, 's'].join(' ');
}

/** `1 fault`, `2 faults` */
export function counted(number: number, noun: string, plural = `${noun}s`): string {
  return `${count(number)} ${number === 1 ? noun : plural}`;
}

/** What is too long ends in three dots. */
export function shorten(text: string, most: number): string {
  return text.length <= most ? text : `${text.slice(0, most - 3)}...`;
}

/** What a process said may bring colours and control characters of its own, which would tear a table or a redrawn screen. */
export function printable(text: string): string {
  return text.replaceAll(/\p{Cc}\[[\d;?]*[A-Za-z]/gu, '').replaceAll(/[^\P{Cc}\n]/gu, ' ');
}

export function oneLine(text: string): string {
  return printable(text).replaceAll(/\s+/g, ' ').trim();
}

/** @returns undefined for nothing at all. */
export function median(values: readonly number[]): number | undefined {
  const sorted = [...values].sort((one, other) => one - other);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle];
  if (upper === undefined || sorted.length % 2 === 1) return upper;
  return ((sorted[middle - 1] ?? upper) + upper) / 2;
}
