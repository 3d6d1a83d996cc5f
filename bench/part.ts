import type { PartResult } from './report/results';
import type { Stage } from './stage/stage';

export type Mode = 'full' | 'quick';
export type ByMode = Readonly<Record<Mode, number>>;

/** One figure that every run of a part yields. */
export interface Measure {
  /** Its name in what `Part.measure` returns. */
  readonly key: string;
  /** With its unit, for the head of a column. */
  readonly label: string;
  readonly better: 'more' | 'less';
  readonly digits?: number;
}

/** One of the ways that are compared. */
export interface Variant {
  readonly name: string;
  /** In words, for tables and pictures. */
  readonly label: string;
  /** Ours are coloured in pictures. */
  readonly isHoldfast?: boolean;
}

/** A ratio of medians to reach, of the first measure unless another is named. */
export type Target = {
  readonly variant: string;
  readonly against: string;
  readonly measure?: string;
} & ({ readonly atLeast: number } | { readonly atMost: number });

/** What one run yields: figures by the key of their measure. A measure that a variant does not have is left out. */
export type Figures = Readonly<Record<string, number>>;

/** A question that is answered by measuring several ways in turn. It may measure anything. */
export interface Part<V extends Variant = Variant> {
  readonly name: string;
  readonly title: string;
  /** What is done, and what is on the clock: the sentence below the title. */
  readonly about: string;
  /** Ratios are of the first. */
  readonly measures: readonly [Measure, ...Measure[]];
  /** Every ratio of the table is against this variant. */
  readonly baseline: string;
  readonly rounds: ByMode;
  readonly variants: readonly V[];
  readonly targets: readonly Target[];
  /** One run of one variant, and the proof that it was correct. @throws Error saying what was not. */
  measure(variant: V, stage: Stage): Promise<Figures>;
  /** An SVG of the whole, where one says more than the table. */
  picture?(result: PartResult): string;
}
