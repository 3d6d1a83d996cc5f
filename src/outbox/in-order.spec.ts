import fc from 'fast-check';
import { inOrder } from './in-order';

type Answer = 'confirmed' | 'refused' | 'unconfirmed';
const answer = fc.constantFrom<Answer>('confirmed', 'confirmed', 'refused', 'unconfirmed');

/** Sends what is left of a bundle as often as it takes, as the relay and any number of sweeps would. */
async function untilThrough(
  length: number,
  answers: readonly Answer[],
  quits: readonly number[],
): Promise<number[]> {
  const table = Array.from({ length }, (_, i) => i);
  const reached: number[] = [];
  let at = 0;
  for (let sweep = 0; table.length > 0; sweep++) {
    let left = quits[sweep] ?? Infinity;
    await inOrder(
      [...table],
      (row) => {
        const said = answers[at++] ?? 'confirmed';
        // Without a confirm the broker may hold it all the same.
        if (said !== 'refused') reached.push(row);
        return said === 'confirmed' ? Promise.resolve() : Promise.reject(new Error(said));
      },
      (row) => void table.splice(table.indexOf(row), 1),
      () => left-- > 0,
    );
  }
  return reached;
}

describe('the publications of one message', () => {
  it('reach the broker in their order, none before the one ahead of it is confirmed, whatever fails and whoever stops', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 0, max: 12 }),
        fc.array(answer, { maxLength: 40 }),
        fc.array(fc.nat(5), { maxLength: 6 }),
        async (length, answers, quits) => {
          const reached = await untilThrough(length, answers, quits);
          expect([...new Set(reached)]).toEqual(Array.from({ length }, (_, i) => i));
          // Again means: the same once more, never one that was confirmed before.
          expect(reached).toEqual([...reached].sort((a, b) => a - b));
        },
      ),
    );
  });

  it('end with the first that fails, and tell which and why', async () => {
    const full = new Error('full');
    const tried: string[] = [];
    const confirmed: string[] = [];
    const sent = await inOrder(
      ['a', 'b', 'c'],
      (row) => {
        tried.push(row);
        return row === 'b' ? Promise.reject(full) : Promise.resolve();
      },
      (row) => confirmed.push(row),
      () => true,
    );
    expect(sent).toEqual({ failed: { row: 'b', error: full }, confirmed: 1 });
    expect(tried).toEqual(['a', 'b']);
    expect(confirmed).toEqual(['a']);
  });
});
