import type { Pool, PoolClient } from 'pg';
import { HandlerConnections } from './handler-connections';

/** A pool that counts: what is out, what was destroyed, and that it fails when told to. */
class CountingPool {
  out = 0;
  most = 0;
  destroyed = 0;
  failing = false;

  async connect(): Promise<PoolClient> {
    if (this.failing) throw new Error('refused');
    this.out++;
    this.most = Math.max(this.most, this.out);
    return {
      release: (destroy: boolean) => {
        this.out--;
        if (destroy) this.destroyed++;
      },
    } as unknown as PoolClient;
  }
}

function make(places: number): { pool: CountingPool; connections: HandlerConnections } {
  const pool = new CountingPool();
  return { pool, connections: new HandlerConnections(places, () => pool as unknown as Pool) };
}

const isPending = async (promise: Promise<unknown>): Promise<boolean> => {
  const later = new Promise((resolve) => setImmediate(() => { resolve('later'); })); // prettier-ignore
  return (await Promise.race([promise, later])) === 'later';
};

describe('HandlerConnections', () => {
  it('lets in as many as there are places; the next waits for one to be given back', async () => {
    const { pool, connections } = make(2);
    const first = await connections.acquire();
    await connections.acquire();
    const third = connections.acquire();
    expect(await isPending(third)).toBe(true);
    connections.giveBack(first, true);
    await third;
    expect(pool).toMatchObject({ most: 2, destroyed: 1 });
  });

  it('hands a connection over to who has waited longest', async () => {
    const { pool, connections } = make(1);
    const client = await connections.acquire();
    const second = connections.acquire();
    const third = connections.acquire();
    connections.nextInLine()?.(client);
    expect(await second).toBe(client);
    expect(await isPending(third)).toBe(true);
    connections.nextInLine()?.(client);
    expect(await third).toBe(client);
    expect(connections.nextInLine()).toBeUndefined();
    connections.giveBack(client, false);
    expect(pool).toMatchObject({ out: 0, most: 1 });
  });

  it('tells everybody in the line when no connection can be made, and loses no place', async () => {
    const { pool, connections } = make(1);
    const client = await connections.acquire();
    const waiting = [connections.acquire(), connections.acquire()];
    pool.failing = true;
    connections.giveBack(client, true);
    expect(await Promise.allSettled(waiting)).toMatchObject([{ status: 'rejected' }, { status: 'rejected' }]);
    await expect(connections.acquire()).rejects.toThrow('refused');
    pool.failing = false;
    connections.giveBack(await connections.acquire(), false);
    expect(pool.out).toBe(0);
  });
});
