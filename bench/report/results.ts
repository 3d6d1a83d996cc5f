import type { Figures, Measure, Part, Target } from '../part';
import { ratioOf, spreadOf, type Spread } from './statistics';

/** What the rounds of one variant yielded, in their order; undefined where a run failed or was left out. */
export interface Runs {
  readonly figures: readonly (Figures | undefined)[];
  /** Why it has no more of them. */
  readonly failure?: string;
}

export interface VariantResult {
  readonly name: string;
  readonly label: string;
  readonly isHoldfast: boolean;
  /** The first measure as a multiple of the baseline's, round by round. */
  readonly ratio: Spread | undefined;
  readonly figures: Readonly<Record<string, Spread>>;
  readonly failure: string | undefined;
}

export type TargetResult = Target & { readonly reached: Spread | undefined };

export interface PartResult {
  readonly name: string;
  readonly title: string;
  readonly about: string;
  readonly command: string;
  readonly at: string;
  readonly machine: string;
  readonly rounds: number;
  readonly measures: readonly [Measure, ...Measure[]];
  readonly baseline: string;
  readonly variants: readonly VariantResult[];
  readonly targets: readonly TargetResult[];
}

export interface Results {
  readonly parts: readonly PartResult[];
}

/** Where, when and by which command it was measured. */
export type Origin = Pick<PartResult, 'command' | 'at' | 'machine'>;

/** @param runs of each variant that was measured, by its name. */
export function resultOf(
  part: Omit<Part, 'measure' | 'picture'>,
  runs: ReadonlyMap<string, Runs>,
  origin: Origin,
): PartResult {
  const first = part.measures[0].key;
  const values = (name: string, key: string): (number | undefined)[] =>
    (runs.get(name)?.figures ?? []).map((figures) => figures?.[key]);
  const { name, title, about, measures, baseline } = part;
  const measured = part.variants.filter((variant) => runs.has(variant.name));
  return {
    name,
    title,
    about,
    ...origin,
    rounds: Math.max(0, ...[...runs.values()].map(({ figures }) => figures.length)),
    measures,
    baseline,
    variants: measured.map((variant) => ({
      name: variant.name,
      label: variant.label,
      isHoldfast: variant.isHoldfast ?? false,
      ratio: ratioOf(values(variant.name, first), values(baseline, first)),
      figures: Object.fromEntries(
        measures.flatMap(({ key }) => {
          const spread = spreadOf(values(variant.name, key).filter((value) => value !== undefined));
          return spread ? [[key, spread]] : [];
        }),
      ),
      failure: runs.get(variant.name)?.failure,
    })),
    targets: part.targets
      .filter(({ variant, against }) => runs.has(variant) && runs.has(against))
      .map((target) => {
        const key = target.measure ?? first;
        return { ...target, reached: ratioOf(values(target.variant, key), values(target.against, key)) };
      }),
  };
}

export function isReached(target: TargetResult): boolean {
  if (!target.reached) return false;
  return 'atLeast' in target
    ? target.reached.median >= target.atLeast
    : target.reached.median <= target.atMost;
}

/** Parts that were measured again take the place of what was known of them; others stay as they are. */
export function merged(kept: Results, measured: readonly PartResult[], order: readonly string[]): Results {
  const all = new Map([...kept.parts, ...measured].map((part) => [part.name, part]));
  return { parts: order.flatMap((name) => all.get(name) ?? []) };
}
