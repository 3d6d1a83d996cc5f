import fc from 'fast-check';
import { Gatherer } from './gatherer';

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** A call that is under way until it is answered. */
interface Call {
  readonly items: readonly number[];
  readonly answer: (results: readonly string[]) => void;
  readonly fail: (error: Error) => void;
}

function gathering(most: number, atOnce?: number): { gatherer: Gatherer<number, string>; calls: Call[] } {
  const calls: Call[] = [];
  const gatherer = new Gatherer<number, string>(
    (items) => new Promise((answer, fail) => calls.push({ items, answer, fail })),
    atOnce === undefined ? { most } : { most, atOnce },
  );
  return { gatherer, calls };
}

describe('a gatherer', () => {
  it('makes one call of what is asked for in one turn, and gives each its own answer', async () => {
    const { gatherer, calls } = gathering(10);
    const answers = [gatherer.add(1), gatherer.add(2), gatherer.add(3)];
    await turn();
    expect(calls.map(({ items }) => items)).toEqual([[1, 2, 3]]);
    calls[0]?.answer(['one', 'two', 'three']);
    expect(await Promise.all(answers)).toEqual(['one', 'two', 'three']);
  });

  it('gathers while a call is under way, and goes on when it has ended', async () => {
    const { gatherer, calls } = gathering(10);
    const first = gatherer.add(1);
    await turn();
    const later = [gatherer.add(2), gatherer.add(3)];
    await turn();
    expect(calls).toHaveLength(1);
    expect(gatherer.gathered).toBe(2);
    calls[0]?.answer(['one']);
    await first;
    await turn();
    await turn();
    expect(calls[1]?.items).toEqual([2, 3]);
    calls[1]?.answer(['two', 'three']);
    expect(await Promise.all(later)).toEqual(['two', 'three']);
  });

  it('waits so many turns for others, but not once it is full', async () => {
    const items: number[][] = [];
    const gatherer = new Gatherer<number, number>(
      (some) => {
        items.push([...some]);
        return Promise.resolve(some);
      },
      { most: 3, turns: 5 },
    );
    const answers = [gatherer.add(1)];
    await turn();
    answers.push(gatherer.add(2));
    await turn();
    expect(items).toEqual([]);
    await Promise.all(answers);
    expect(items).toEqual([[1, 2]]);
    const full = [3, 4, 5].map((item) => gatherer.add(item));
    await turn();
    await turn();
    expect(items).toEqual([
      [1, 2],
      [3, 4, 5],
    ]);
    await Promise.all(full);
  });

  it('fails all of a call that fails, and nobody else', async () => {
    const { gatherer, calls } = gathering(2);
    const settled = Promise.allSettled([1, 2, 3].map((item) => gatherer.add(item)));
    await turn();
    calls[0]?.fail(new Error('away'));
    await turn();
    await turn();
    calls[1]?.answer(['three']);
    expect((await settled).map(({ status }) => status)).toEqual(['rejected', 'rejected', 'fulfilled']);
  });

  it('finds the one whose doing a failure is, and answers its neighbours', async () => {
    const bad = new Error('7');
    const gatherer = new Gatherer<number, string>(
      async (items) => {
        await turn();
        if (items.includes(7)) throw bad;
        return items.map(String);
      },
      { most: 100, isOfOneItem: (error) => error === bad },
    );
    const settled = await Promise.allSettled(Array.from({ length: 20 }, (_, i) => gatherer.add(i)));
    for (const [i, one] of settled.entries())
      expect(one).toEqual(
        i === 7 ? { status: 'rejected', reason: bad } : { status: 'fulfilled', value: String(i) },
      );
  });

  it('takes an answer that does not fit for a failure', async () => {
    const { gatherer, calls } = gathering(2);
    const answer = gatherer.add(1);
    await turn();
    calls[0]?.answer([]);
    await expect(answer).rejects.toThrow('1 items were gathered and 0 were answered');
  });

  it('answers every item once, in its order, within its limits, however they come', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 5 }),
        fc.integer({ min: 1, max: 3 }),
        fc.array(fc.integer({ min: 0, max: 7 }), { maxLength: 20 }),
        async (most, atOnce, bursts) => {
          let underWay = 0;
          const seen: number[] = [];
          const gatherer = new Gatherer<number, string>(
            async (items) => {
              expect(++underWay).toBeLessThanOrEqual(atOnce);
              expect(items.length).toBeGreaterThan(0);
              expect(items.length).toBeLessThanOrEqual(most);
              seen.push(...items);
              await turn();
              underWay--;
              return items.map(String);
            },
            { most, atOnce },
          );
          const answers: Promise<string>[] = [];
          for (const burst of bursts) {
            for (let i = 0; i < burst; i++) answers.push(gatherer.add(answers.length));
            await turn();
          }
          expect(await Promise.all(answers)).toEqual(answers.map((_, i) => String(i)));
          expect(seen).toEqual(answers.map((_, i) => i));
          expect(gatherer.gathered).toBe(0);
        },
      ),
    );
  });
});
