import type { Figures, Part, Variant } from './part';
import type { Runs } from './report/results';
import type { Stage } from './stage/stage';

interface Told {
  readonly round: number;
  readonly rounds: number;
  readonly variant: Variant;
}

export interface Listener {
  measured(told: Told & { readonly figures: Figures }): void;
  failed(told: Told & { readonly failure: string }): void;
}

/**
 * A, B, C, A, B, C: what slows the machine for a while slows all of them. A variant that fails is not tried again, and does not hide
 * the results of the others.
 */
export async function runPart(
  part: Part,
  variants: readonly Variant[],
  {
    rounds,
    stage,
    listener,
  }: { readonly rounds: number; readonly stage: Stage; readonly listener: Listener },
): Promise<ReadonlyMap<string, Runs>> {
  const figures = new Map(variants.map(({ name }) => [name, [] as (Figures | undefined)[]]));
  const failures = new Map<string, string>();
  for (let round = 1; round <= rounds; round++) {
    for (const variant of variants.filter(({ name }) => !failures.has(name))) {
      const told = { round, rounds, variant };
      try {
        const measured = await part.measure(variant, stage);
        figures.get(variant.name)?.push(measured);
        listener.measured({ ...told, figures: measured });
      } catch (error) {
        const failure = error instanceof Error ? error.message : String(error);
        failures.set(variant.name, `round ${round}: ${failure}`);
        figures.get(variant.name)?.push(undefined);
        listener.failed({ ...told, failure });
      }
    }
  }
  return new Map(
    [...figures].map(([name, runs]) => {
      const failure = failures.get(name);
      return [name, { figures: runs, ...(failure === undefined ? {} : { failure }) }];
    }),
  );
}
