import * as fc from 'fast-check';
import { placeLabels } from './lane-labels';

const SPACE = { right: 500, rows: 2, gap: 10 };

describe('the names below a lane', () => {
  it('stand where their faults are, in the nearest row that is free', () => {
    const placed = placeLabels(
      [
        { x: 0, width: 50, weight: 0 },
        { x: 20, width: 50, weight: 0 },
        { x: 60, width: 50, weight: 0 },
      ],
      SPACE,
    );
    expect(placed.map(({ left, row }) => [left, row])).toEqual([
      [0, 0],
      [20, 1],
      [60, 0],
    ]);
  });

  it('give way where there is no room, the lightest first', () => {
    const placed = placeLabels(
      [
        { x: 0, width: 50, weight: 0 },
        { x: 1, width: 50, weight: 2 },
        { x: 2, width: 50, weight: 1 },
      ],
      SPACE,
    );
    expect(placed.map(({ label }) => label.x)).toEqual([1, 2]);
  });

  it('move to the left at the edge', () => {
    expect(placeLabels([{ x: 480, width: 60, weight: 0 }], SPACE)[0]?.left).toBe(440);
  });

  it('never touch, and never pass the edge', () => {
    const label = fc.record({ x: fc.nat(500), width: fc.integer({ min: 1, max: 200 }), weight: fc.nat(5) });
    fc.assert(
      fc.property(fc.array(label, { maxLength: 40 }), (labels) => {
        const placed = placeLabels(labels, SPACE);
        for (const [index, one] of placed.entries()) {
          expect(one.left + one.label.width).toBeLessThanOrEqual(SPACE.right);
          expect(one.row).toBeLessThan(SPACE.rows);
          for (const other of placed.slice(index + 1)) {
            const apart =
              one.row !== other.row ||
              one.left + one.label.width + SPACE.gap <= other.left ||
              other.left + other.label.width + SPACE.gap <= one.left;
            expect(apart).toBe(true);
          }
        }
      }),
    );
  });
});
