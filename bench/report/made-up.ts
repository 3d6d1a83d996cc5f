import type { Figures, Part } from '../part';
import { resultOf, type PartResult, type Runs } from './results';

/* Results that nobody measured, for specs. */

export const ORIGIN = {
  command: 'npm run bench -- --part made-up',
  at: '2026-11-25T10:00:00.000Z',
  machine: '2 cores',
};

export const MADE_UP: Omit<Part, 'measure' | 'picture'> = {
  name: 'made-up',
  title: 'A part that is made up',
  about: 'Nothing is measured.',
  measures: [
    { key: 'perSecond', label: 'messages/s', better: 'more' },
    { key: 'micros', label: 'µs/message', better: 'less', digits: 1 },
  ],
  baseline: 'peer',
  rounds: { full: 2, quick: 1 },
  variants: [
    { name: 'peer', label: 'a `peer`' },
    { name: 'ours', label: 'Holdfast', isHoldfast: true },
  ],
  targets: [
    { variant: 'ours', against: 'peer', atLeast: 2 },
    { variant: 'ours', against: 'peer', measure: 'micros', atMost: 0.4 },
  ],
};

export function resultWith(runs: Readonly<Record<string, Runs>>, part = MADE_UP): PartResult {
  return resultOf(part, new Map(Object.entries(runs)), ORIGIN);
}

export function runsOf(...figures: (Figures | undefined)[]): Runs {
  return { figures };
}
