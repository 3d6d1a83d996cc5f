import { availableParallelism, cpus, totalmem } from 'node:os';
import type { Part, Target } from './parts';
import type { Measured } from './run-once';
import { ratioOf, spreadOf, type Spread } from './statistics';

export interface VariantResult {
  readonly name: string;
  readonly label: string;
  /** Throughput as a multiple of the baseline's, round by round. */
  readonly ratio: Spread;
  readonly perSecond: Spread;
  readonly clientMicros: Spread;
}

export interface PartResult {
  readonly name: string;
  readonly title: string;
  readonly baseline: string;
  readonly messages: number;
  readonly rounds: number;
  readonly variants: readonly VariantResult[];
  readonly targets: readonly (Target & { readonly reached: Spread })[];
}

export interface Results {
  readonly command: string;
  readonly at: string;
  readonly machine: string;
  readonly parts: readonly PartResult[];
}

/** @param measured the runs of each variant, in the order of the rounds. */
export function resultOf(
  part: Part,
  messages: number,
  measured: ReadonlyMap<string, readonly Measured[]>,
): PartResult {
  const speeds = (name: string): number[] => measured.get(name)!.map(({ perSecond }) => perSecond);
  const known = part.variants.filter(({ name }) => measured.has(name));
  const baseline = measured.has(part.baseline) ? part.baseline : known[0]!.name;
  return {
    name: part.name,
    title: part.title,
    baseline,
    messages,
    rounds: speeds(baseline).length,
    variants: known.map(({ name, label }) => ({
      name,
      label,
      ratio: ratioOf(speeds(name), speeds(baseline)),
      perSecond: spreadOf(speeds(name)),
      clientMicros: spreadOf(measured.get(name)!.map(({ clientMicros }) => clientMicros)),
    })),
    targets: part.targets
      .filter(({ variant, against }) => measured.has(variant) && measured.has(against))
      .map((target) => ({ ...target, reached: ratioOf(speeds(target.variant), speeds(target.against)) })),
  };
}

export function describeMachine(rabbitmq: string, postgres: string): string {
  const gibibytes = Math.round(totalmem() / 2 ** 30);
  return `${availableParallelism()} cores (${cpus()[0]?.model.trim() ?? 'unknown'}) shared by client, broker and database, ${gibibytes} GiB, Node ${process.versions.node}, RabbitMQ ${rabbitmq}, PostgreSQL ${postgres}`;
}
