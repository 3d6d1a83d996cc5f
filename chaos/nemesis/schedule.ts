import type { Draw } from '../draw';
import type { Fault } from './fault';

/**
 * Which fault comes when, for ever: every one once, shuffled, then each as often as its weight says. The same faults and the same seed
 * give the same order. Where there is none to choose from it ends at once.
 */
export function* shuffledForever(faults: readonly Fault[], draw: Draw): Generator<Fault, void> {
  if (faults.length === 0) return;
  yield* draw.shuffle(faults);
  const total = faults.reduce((sum, fault) => sum + weightOf(fault), 0);
  for (;;) yield pickByWeight(faults, draw.next() * total);
}

/** @param at from 0 up to, not including, the sum of all weights. */
function pickByWeight(faults: readonly Fault[], at: number): Fault {
  let passed = 0;
  const picked = faults.find((fault) => (passed += weightOf(fault)) > at);
  // A sum of fractions may come out a little below the total.
  return picked ?? (faults.at(-1) as Fault);
}

function weightOf({ weight = 1 }: Fault): number {
  return weight;
}
