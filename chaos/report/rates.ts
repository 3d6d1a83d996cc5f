import type { Sample } from './journal';

export type Counter = 'confirmed' | 'settled';

export interface Rate {
  /** Milliseconds since the run began. */
  readonly at: number;
  readonly perSecond: number;
}

/**
 * The mean rate between two moments, from counters that only grow; what lies before the first or after the last sample is left out.
 * @returns undefined where fewer than two samples say anything.
 */
export function rateBetween(
  samples: readonly Sample[],
  counter: Counter,
  from: number,
  to: number,
): number | undefined {
  const begin = Math.max(from, samples[0]?.at ?? Infinity);
  const end = Math.min(to, samples.at(-1)?.at ?? -Infinity);
  if (end <= begin) return undefined;
  const grown = counterAt(samples, counter, end) - counterAt(samples, counter, begin);
  return Math.max(0, (grown * 1_000) / (end - begin));
}

/** The rate at evenly spaced moments, each the mean over a window around it. */
export function smoothedRates(
  samples: readonly Sample[],
  counter: Counter,
  { stepMs, windowMs }: { readonly stepMs: number; readonly windowMs: number },
): Rate[] {
  const first = samples[0]?.at ?? 0;
  const last = samples.at(-1)?.at ?? 0;
  const rates: Rate[] = [];
  for (let at = first; at <= last; at += stepMs) {
    const perSecond = rateBetween(samples, counter, at - windowMs / 2, at + windowMs / 2);
    if (perSecond !== undefined) rates.push({ at, perSecond });
  }
  return rates;
}

/** Between two samples the counter is taken to have grown evenly. */
function counterAt(samples: readonly Sample[], counter: Counter, at: number): number {
  const next = indexFrom(samples, at);
  const after = samples[next] ?? samples.at(-1);
  const before = samples[next - 1] ?? after;
  if (after === undefined || before === undefined) return 0;
  if (after.at <= before.at) return after[counter];
  const share = (at - before.at) / (after.at - before.at);
  return before[counter] + Math.min(1, share) * (after[counter] - before[counter]);
}

/** The first sample not before this moment. */
function indexFrom(samples: readonly Sample[], at: number): number {
  let low = 0;
  let high = samples.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((samples[middle]?.at ?? Infinity) < at) low = middle + 1;
    else high = middle;
  }
  return low;
}
