import type { Direction } from './wire';

/** Something that is wrong with a wire, until its undo. */
export type Trouble =
  | { readonly kind: 'refuse' }
  | { readonly kind: 'hold' }
  | { readonly kind: 'mute'; readonly direction: Direction }
  | { readonly kind: 'delay'; readonly ms: number }
  | { readonly kind: 'throttle'; readonly direction: Direction; readonly bytesPerSecond: number };

/** How bytes fare in one direction. */
export interface Conditions {
  /** Swallowed in silence, and so is the end of the sender. */
  readonly muted: boolean;
  readonly held: boolean;
  readonly delayMs: number;
  /** `Infinity`: as fast as they come. */
  readonly bytesPerSecond: number;
}

export const CALM: Conditions = { muted: false, held: false, delayMs: 0, bytesPerSecond: Infinity };

/** Troubles that last at the same time: delays add up, the slowest throttle counts. */
export function conditionsOf(troubles: Iterable<Trouble>, direction: Direction): Conditions {
  let conditions = CALM;
  for (const trouble of troubles) conditions = worsened(conditions, trouble, direction);
  return conditions;
}

function worsened(before: Conditions, trouble: Trouble, direction: Direction): Conditions {
  switch (trouble.kind) {
    case 'refuse':
      return before;
    case 'hold':
      return { ...before, held: true };
    case 'mute':
      return trouble.direction === direction ? { ...before, muted: true } : before;
    case 'delay':
      return { ...before, delayMs: before.delayMs + trouble.ms };
    case 'throttle':
      return trouble.direction === direction
        ? { ...before, bytesPerSecond: Math.min(before.bytesPerSecond, trouble.bytesPerSecond) }
        : before;
  }
}
