import * as fc from 'fast-check';
import { Draw } from '../draw';
import type { Fault } from './fault';
import { shuffledForever } from './schedule';

const fault = (name: string, weight?: number): Fault => ({
  name,
  lane: 'replica',
  ...(weight !== undefined && { weight }),
  strike: () => Promise.resolve(name),
});

function take(faults: readonly Fault[], seed: number, count: number): string[] {
  const schedule = shuffledForever(faults, new Draw(seed));
  return Array.from({ length: count }, () => schedule.next().value!.name);
}

describe('the schedule of faults', () => {
  it('brings every fault once before any comes twice, and is the same for the same seed', () => {
    const weights = fc.array(fc.option(fc.double({ min: 0.01, max: 10, noNaN: true }), { nil: undefined }), {
      minLength: 1,
      maxLength: 40,
    });
    fc.assert(
      fc.property(weights, fc.nat(), (drawn, seed) => {
        const faults = drawn.map((weight, at) => fault(`fault ${at}`, weight));
        const order = take(faults, seed, 3 * faults.length);
        expect(new Set(order.slice(0, faults.length)).size).toBe(faults.length);
        expect(take(faults, seed, 3 * faults.length)).toEqual(order);
      }),
    );
  });

  it('is another for another seed', () => {
    const faults = Array.from({ length: 20 }, (_, at) => fault(`fault ${at}`));
    expect(take(faults, 1, 20)).not.toEqual(take(faults, 2, 20));
  });

  it('brings them as often as they weigh from then on', () => {
    const faults = [fault('usual'), fault('frequent', 3), fault('rare', 0.5), fault('never again', 0)];
    const count = new Map<string, number>();
    for (const name of take(faults, 7, 9_004).slice(4)) count.set(name, (count.get(name) ?? 0) + 1);
    expect(count.get('usual')! / 9_000).toBeCloseTo(1 / 4.5, 1);
    expect(count.get('frequent')! / 9_000).toBeCloseTo(3 / 4.5, 1);
    expect(count.get('rare')! / 9_000).toBeCloseTo(0.5 / 4.5, 1);
    expect(count.has('never again')).toBe(false);
  });

  it('is empty where there is nothing to choose from', () => {
    expect([...shuffledForever([], new Draw(1))]).toEqual([]);
  });
});
