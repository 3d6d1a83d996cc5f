import { createServer } from 'node:net';

/** Below the ports that systems give to clients: something that has to come back on its port must not find a client there. */
const LEAST = 21_000;
const MOST = 29_999;

/** A port of 127.0.0.1 that nobody listens on, and that nobody was given before by this process. */
export async function freePort(): Promise<number> {
  for (let port = LEAST + (process.pid % 7_000); port <= MOST; port++) {
    if (given.has(port) || !(await isFree(port))) continue;
    given.add(port);
    return port;
  }
  throw new Error(`no free port between ${LEAST} and ${MOST}`);
}

const given = new Set<number>();

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => {
      resolve(false);
    });
    server.listen(port, '127.0.0.1', () => {
      server.close(() => {
        resolve(true);
      });
    });
  });
}
