import { createServer } from 'node:net';
import { checkoutId } from './paths.mjs';
import { SetupError } from './failure.mjs';

/*
 * Below 32768, where Linux starts to hand out ports to outgoing connections: a server whose port was lent to a client
 * meanwhile cannot come back, and a client that keeps knocking at a dead port there may end up connected to itself.
 * Each checkout begins its search elsewhere, so that a stopped server of one is not given away by another.
 */
const FIRST = 20_000;
const COUNT = 8_000;

/** For the short-lived nodes of rabbitmqctl: outside the range above, wide enough for many calls at once. */
export const CTL_PORTS = { min: 28_000, max: 32_000 };

/** This many free ports of 127.0.0.1, none of them in `taken`. */
export async function findFreePorts(count, taken) {
  const offset = (parseInt(checkoutId, 16) % (COUNT / 100)) * 100;
  const found = [];
  for (let step = 0; step < COUNT && found.length < count; step += 1) {
    const port = FIRST + ((offset + step) % COUNT);
    if (!taken.has(port) && (await isFree(port))) found.push(port);
  }
  if (found.length < count) {
    throw new SetupError(`No ${count} free ports between ${FIRST} and ${FIRST + COUNT - 1} on 127.0.0.1.`);
  }
  return found;
}

export function isFree(port) {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen({ port, host: '127.0.0.1', exclusive: true }, () => server.close(() => resolve(true)));
  });
}
