import { setTimeout as sleep } from 'node:timers/promises';

/** Tries until it does not throw: for the broker's and the database's own view, which send no event. */
export async function eventually<T>(look: () => Promise<T> | T, timeoutMs = 15_000): Promise<T> {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    try {
      return await look();
    } catch (error) {
      if (Date.now() > deadline) throw error;
      await sleep(25);
    }
  }
}
