import { setTimeout as sleep } from 'node:timers/promises';
import { HELP, hints } from './hints.mjs';

const SECOND = 1_000;
/** The downstream fails by itself, the first time soon, so that whoever only looks sees retries and their end. */
const FIRST_FAILURE_MS = 15 * SECOND;
const FAILURE_EVERY_MS = 60 * SECOND;
const FAILURE_MS = 8 * SECOND;

/** Until somebody wants to leave: traffic, keys, and a picture every second. */
export async function showLive({ servers, stage, screen, snapshots, goodbye, keyboard }) {
  const { producer, faults, paymentServer } = stage;
  if (keyboard) keyboard.bind(keyActions({ servers, stage, screen, goodbye }));
  else screen.say('no terminal to read keys from; Ctrl-C ends the demo');

  let nextFailure = performance.now() + FIRST_FAILURE_MS;
  while (!goodbye.isWished) {
    screen.show(await snapshots.take());
    if (performance.now() > nextFailure) {
      nextFailure = performance.now() + FAILURE_EVERY_MS;
      if (!paymentServer.isBroken) faults.breakDownstream(FAILURE_MS);
    }
    await sleep(SECOND, undefined, { signal: goodbye.signal }).catch(() => {});
  }
  producer.stop();
  screen.end();
  console.log('stopping the service in order, then removing the vhost and the database of this demo');
  return 0;
}

function keyActions({ servers, stage, screen, goodbye }) {
  const { faults } = stage;
  return {
    p: () => faults.poison(),
    d: () => faults.databaseAway(),
    c: () => faults.cutBroker(),
    x: () => faults.toggleDownstream(),
    k: () => void faults.killService(),
    h: () => screen.say(`\n${HELP}\n\n${hints({ servers, stage })}\n`),
    q: () => goodbye.wish(),
  };
}
