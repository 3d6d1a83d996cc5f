import fc from 'fast-check';
import { Semaphore } from './semaphore';

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('Semaphore, in any order of comings and goings', () => {
  it('lets in as many as it may, at once and in the order they came, and loses no place', async () => {
    const move = fc.tuple(fc.constantFrom('come', 'go', 'go twice'), fc.nat(20));
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 4 }),
        fc.array(move, { maxLength: 30 }),
        async (permits, moves) => {
          const semaphore = new Semaphore(permits);
          const inside: { readonly who: number; readonly leave: () => void }[] = [];
          const order: number[] = [];
          let came = 0;
          for (const [kind, which] of moves) {
            if (kind === 'come') {
              const who = ++came;
              void semaphore.acquire().then((leave) => {
                order.push(who);
                inside.push({ who, leave });
              });
            } else {
              const [gone] = inside.splice(which % Math.max(1, inside.length), 1);
              gone?.leave();
              if (kind === 'go twice') gone?.leave();
            }
            for (let i = 0; i < 4; i++) await Promise.resolve();
            const went = order.length - inside.length;
            expect(inside.length).toBe(Math.min(permits, came - went));
          }
          expect(order).toEqual([...order].sort((a, b) => a - b));
          while (inside.length > 0) {
            inside.pop()?.leave();
            await turn();
          }
          expect(order).toHaveLength(came);
        },
      ),
    );
  });
});
