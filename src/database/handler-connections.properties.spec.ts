import fc from 'fast-check';
import type { Pool, PoolClient } from 'pg';
import { HandlerConnections } from './handler-connections';

interface Client extends PoolClient {
  readonly number: number;
}

/** A pool of pg without a server: it makes connections when it is told to, or fails to. */
class ToldPool {
  made = 0;
  out = 0;
  most = 0;
  readonly asked: { readonly resolve: (client: Client) => void; readonly reject: (error: Error) => void }[] =
    [];

  connect(): Promise<Client> {
    return new Promise((resolve, reject) => this.asked.push({ resolve, reject }));
  }

  /** The oldest request is answered. */
  answer(fails: boolean): void {
    const request = this.asked.shift();
    if (!request) return;
    if (fails) {
      request.reject(new Error('refused'));
      return;
    }
    this.out++;
    this.most = Math.max(this.most, this.out);
    const release = (): void => {
      this.out--;
    };
    request.resolve({ number: ++this.made, release } as unknown as Client);
  }
}

const settle = async (): Promise<void> => {
  for (let i = 0; i < 6; i++) await Promise.resolve();
};

describe('HandlerConnections, in any order of comings, ends, hand-overs and failures', () => {
  it('holds no more than its places, gives each connection to one at a time, first come first served, and loses no place', async () => {
    const move = fc.tuple(
      fc.constantFrom('ask', 'ask', 'ask', 'answer', 'answer', 'fail', 'give back', 'destroy', 'hand over'),
      fc.nat(20),
    );
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 3 }),
        fc.array(move, { maxLength: 40 }),
        async (places, moves) => {
          const pool = new ToldPool();
          const connections = new HandlerConnections(places, () => pool as unknown as Pool);
          const holding: Client[] = [];
          const order: number[] = [];
          let asked = 0;
          let failed = 0;
          /** Who has neither a connection nor a place to make one. */
          const line: number[] = [];
          const ask = (): void => {
            const who = ++asked;
            if (pool.asked.length + holding.length === places) line.push(who);
            connections.acquire().then(
              (client) => {
                order.push(who);
                holding.push(client as Client);
              },
              () => {
                order.push(who);
                failed++;
              },
            );
          };
          const take = (which: number): Client | undefined =>
            holding.splice(which % Math.max(1, holding.length), 1)[0];
          const act = async (kind: string, which: number): Promise<void> => {
            if (kind === 'ask') ask();
            if (kind === 'answer' || kind === 'fail') {
              if (kind === 'fail' && pool.asked.length > 0) line.shift();
              pool.answer(kind === 'fail');
            }
            if (kind === 'give back' || kind === 'destroy') {
              const client = take(which);
              if (!client) return;
              connections.giveBack(client, kind === 'destroy');
              line.shift();
            }
            if (kind === 'hand over' && holding.length > 0) {
              const handOver = connections.nextInLine();
              expect(handOver === undefined).toBe(line.length === 0);
              if (!handOver) return;
              handOver(take(which)!);
              const first = line.shift();
              await settle();
              expect(order.at(-1)).toBe(first);
            }
          };
          for (const [kind, which] of moves) {
            await act(kind, which);
            await settle();
            expect(pool.asked.length + holding.length).toBeLessThanOrEqual(places);
            expect(pool.out).toBe(holding.length);
            expect(new Set(holding.map(({ number }) => number)).size).toBe(holding.length);
            // Somebody who waits is never kept from a place that is free.
            const waiting = asked - order.length - pool.asked.length;
            if (waiting > 0) expect(pool.asked.length + holding.length).toBe(places);
          }
          for (let i = 0; i < 2 * asked + 2; i++) {
            pool.answer(false);
            await settle();
            if (holding.length > 0) await act('give back', 0);
            await settle();
          }
          expect(order).toHaveLength(asked);
          expect(failed).toBeLessThanOrEqual(asked);
          expect(pool.out).toBe(0);
          // All places are there again.
          for (let i = 0; i < places + 1; i++) ask();
          expect(pool.asked).toHaveLength(places);
        },
      ),
      { numRuns: 150 },
    );
  });
});
