import fc from 'fast-check';
import { bisect, type GroupFailure } from './bisect';

interface Played {
  /** The groups that were run, in their order. */
  readonly runs: (readonly number[])[];
  readonly succeeded: number[];
  readonly blamed: number[];
}

class TooSlow extends Error {}

/** A group of `size`, which has failed as a whole, and what it comes to. */
async function play(
  size: number,
  failureOf: (group: readonly number[]) => Error | undefined,
): Promise<Played> {
  const played: Played = { runs: [], succeeded: [], blamed: [] };
  const run = (group: readonly number[]): Promise<GroupFailure | undefined> => {
    played.runs.push(group);
    const error = failureOf(group);
    if (error) return Promise.resolve({ error });
    played.succeeded.push(...group);
    return Promise.resolve(undefined);
  };
  const all = Array.from({ length: size }, (_, i) => i);
  const failure = await run(all);
  if (failure)
    await bisect(all, failure, {
      run,
      blame: (members) => played.blamed.push(...members),
      isTimeout: ({ error }) => error instanceof TooSlow,
    });
  return played;
}

const sizeAndPoisons = fc
  .integer({ min: 1, max: 130 })
  .chain((size) => fc.tuple(fc.constant(size), fc.uniqueArray(fc.nat(size - 1), { maxLength: size })));

describe('a failing group', () => {
  it('comes apart until each poison has failed alone, and all others have succeeded once', async () => {
    await fc.assert(
      fc.asyncProperty(sizeAndPoisons, async ([size, poisons]) => {
        const isPoison = new Set(poisons);
        const { runs, succeeded, blamed } = await play(size, (group) =>
          group.some((one) => isPoison.has(one)) ? new Error('poison') : undefined,
        );
        const good = Array.from({ length: size }, (_, i) => i).filter((one) => !isPoison.has(one));
        expect(succeeded.sort((a, b) => a - b)).toEqual(good);
        expect(blamed.sort((a, b) => a - b)).toEqual([...isPoison].sort((a, b) => a - b));
        for (const one of poisons) expect(runs).toContainEqual([one]);
        const levels = Math.ceil(Math.log2(size));
        expect(runs.length).toBeLessThanOrEqual(1 + 2 * levels * poisons.length);
      }),
      { numRuns: 300 },
    );
  });

  it('is not taken apart further when both halves take too long', async () => {
    const { runs, blamed } = await play(100, (group) => (group.length > 10 ? new TooSlow() : undefined));
    expect(runs.map(({ length }) => length)).toEqual([100, 50, 50]);
    expect(blamed).toHaveLength(100);
  });

  it('is taken apart when one half takes too long', async () => {
    const { blamed, succeeded } = await play(100, (group) =>
      group.includes(70) ? new TooSlow() : undefined,
    );
    expect(blamed).toEqual([70]);
    expect(succeeded).toHaveLength(99);
  });

  it('is taken apart when the halves fail in different ways', async () => {
    const { blamed } = await play(64, (group) => {
      if (group.includes(3)) return new Error('poison');
      return group.includes(40) ? new TooSlow() : undefined;
    });
    expect(blamed).toEqual([3, 40]);
  });
});
