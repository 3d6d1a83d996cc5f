import fc from 'fast-check';
import { InterleavedError, Turns } from './turns';

/** Who sends a statement, one after another; undefined once somebody was refused. */
function send(order: readonly number[]): number[] | undefined {
  const turns = new Turns<number>();
  const sent: number[] = [];
  for (const member of order) {
    try {
      turns.take(member);
      sent.push(member);
    } catch (error) {
      expect(error).toBeInstanceOf(InterleavedError);
      expect(turns.isBroken).toBe(true);
      return undefined;
    }
  }
  expect(turns.isBroken).toBe(false);
  return sent;
}

/** Whether each member's statements stand together. */
function isContiguous(order: readonly number[]): boolean {
  const blocks = order.filter((member, i) => member !== order[i - 1]);
  return new Set(blocks).size === blocks.length;
}

describe('turns', () => {
  it.each<[string, number[], boolean]>([
    ['one handler alone', [1, 1, 1], true],
    ['each all at once', [1, 1, 2, 3, 3], true],
    ['in any order of handlers', [3, 1, 1, 2], true],
    ['coming back after another', [1, 2, 1], false],
    ['coming back much later', [1, 2, 3, 3, 2], false],
  ])('%s', (_, order, allowed) => {
    expect(send(order) !== undefined).toBe(allowed);
  });

  it('lets through exactly what is the same as handlers running one after another', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 5 }), { maxLength: 20 }), (order) => {
        expect(send(order)).toEqual(isContiguous(order) ? order : undefined);
      }),
    );
  });

  it('refuses everybody once it is broken', () => {
    const turns = new Turns<number>();
    turns.take(1);
    turns.take(2);
    expect(() => {
      turns.take(1);
    }).toThrow(InterleavedError);
    for (const member of [1, 2, 3])
      expect(() => {
        turns.take(member);
      }).toThrow(InterleavedError);
  });
});
