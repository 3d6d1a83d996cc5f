import { runCi } from './ci.mjs';
import { Faults } from './faults.mjs';
import { addresses, HELP, hints } from './hints.mjs';
import { KEYS } from './keys.mjs';
import { showLive } from './live.mjs';
import { clock } from './picture.mjs';
import { PlainScreen, TerminalScreen } from './screen.mjs';
import { Snapshots } from './snapshots.mjs';
import { buildStage } from './stage.mjs';

const ORDERS_PER_SECOND = 20;

/** The whole demo after the set-up; resolves to the exit code. */
export async function tell({ servers, isCi, goodbye, keyboard, startedAt }) {
  const screen = process.stdout.isTTY ? new TerminalScreen(keyboard && KEYS) : new PlainScreen();
  let complaint;
  const onServiceEnd = (error) => {
    complaint = error;
    goodbye.wish();
  };

  console.log('starting the service with the example domain: orders, payments, shipping');
  const stage = await buildStage({ servers, goodbye, onServiceEnd }).catch((error) => {
    throw complaint ?? error;
  });
  const snapshots = new Snapshots(stage);
  stage.faults = new Faults(stage, (text) => screen.say(`${clock(snapshots.elapsedMs)}  ${text}`));
  console.log(`\n${addresses({ servers, stage })}\n`);
  if (!isCi) console.log(`${hints({ servers, stage })}\n\n${keyboard ? `Keys:\n${HELP}\n` : ''}`);

  stage.producer.start(ORDERS_PER_SECOND);
  const play = isCi ? runCi : showLive;
  const code = await play({ servers, stage, screen, snapshots, goodbye, keyboard, startedAt }).catch(
    (error) => {
      screen.end();
      throw complaint ?? error;
    },
  );
  if (complaint) throw complaint;
  return code;
}
