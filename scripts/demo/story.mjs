import { runCi } from './ci.mjs';
import { Faults } from './faults.mjs';
import { addresses, HELP, hints } from './hints.mjs';
import { KEYS, canReadKeys } from './keys.mjs';
import { showLive } from './live.mjs';
import { PlainScreen, TerminalScreen } from './screen.mjs';
import { Snapshots } from './snapshots.mjs';
import { buildStage } from './stage.mjs';

const ORDERS_PER_SECOND = 20;

/** The whole demo after the set-up; resolves to the exit code. */
export async function tell({ servers, isCi, goodbye, startedAt }) {
  const screen = process.stdout.isTTY
    ? new TerminalScreen(!isCi && canReadKeys() ? KEYS : undefined)
    : new PlainScreen();
  let complaint;
  const onServiceEnd = (error) => {
    complaint = error;
    goodbye.wish();
  };

  console.log('starting the service with the example domain: orders, payments, shipping');
  const stage = await buildStage({ servers, goodbye, onServiceEnd }).catch((error) => {
    throw complaint ?? error;
  });
  stage.faults = new Faults(stage, (text) => screen.say(`  ${text}`));
  console.log(`\n${addresses({ servers, stage })}\n`);
  if (!isCi) console.log(`${hints({ servers, stage })}\n\n${canReadKeys() ? `Keys:\n${HELP}\n` : ''}`);

  const snapshots = new Snapshots(stage);
  stage.producer.start(ORDERS_PER_SECOND);
  const play = isCi ? runCi : showLive;
  const code = await play({ servers, stage, screen, snapshots, goodbye, startedAt }).catch((error) => {
    screen.end();
    throw complaint ?? error;
  });
  if (complaint) throw complaint;
  return code;
}
