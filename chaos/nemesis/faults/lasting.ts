import type { Draw } from '../../draw';
import type { Replica } from '../../stage/replica';
import type { Stage } from '../../stage/stage';
import type { Undo } from '../../wires/wire';

/* What faults have in common: how long they last, whom they hit, and that they are mended whatever happens. */

/** Milliseconds, drawn between these two and shortened or lengthened by the pace of the run. */
export function drawMs({ pace }: Stage, draw: Draw, least: number, most: number): number {
  return Math.round(draw.between(least, most) * pace);
}

/** Usually long enough to be noticed by the service, and short enough for many faults in one run. */
export function drawUsualMs(stage: Stage, draw: Draw): number {
  return drawMs(stage, draw, 3_000, 12_000);
}

/** All of them, or some: then the others have to do without. */
export function drawReplicas({ replicas }: Stage, draw: Draw): readonly Replica[] {
  const count = draw.chance(0.4) ? replicas.length : draw.between(1, Math.max(1, replicas.length - 1));
  return draw.shuffle(replicas).slice(0, count);
}

export function namesOf(hit: readonly Replica[], { replicas }: Stage): string {
  if (hit.length === replicas.length) return 'all replicas';
  return hit
    .map(({ name }) => name)
    .sort()
    .join(', ');
}

export function timesOf(count: number): string {
  return count === 1 ? 'once' : `${count} times`;
}

/** `3.2 s` */
export function seconds(ms: number): string {
  return `${(ms / 1_000).toFixed(1)} s`;
}

/** Makes trouble for each of these, and mends it when `meanwhile` is over, or has failed. */
export async function withTrouble<Victim>(
  victims: readonly Victim[],
  trouble: (victim: Victim) => Undo,
  meanwhile: () => Promise<void>,
): Promise<void> {
  const undos: Undo[] = [];
  try {
    for (const victim of victims) undos.push(trouble(victim));
    await meanwhile();
  } finally {
    for (const undo of undos) undo();
  }
}
