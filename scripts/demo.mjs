import { Goodbye } from './demo/goodbye.mjs';
import { openKeyboard } from './demo/keys.mjs';
import { setUp } from './demo/set-up.mjs';
import { SetupError } from './setup/failure.mjs';

/*
 * `npm run demo`: the set-up step, then the real service under real traffic with faults in it, until q or Ctrl-C.
 * `npm run demo -- --ci`: the same story without a person, about a minute long; it ends with an account of every order.
 */

const USAGE =
  'npm run demo            live, with keys that break things\nnpm run demo -- --ci    about a minute, then PASS or FAIL';

async function main() {
  const args = process.argv.slice(2);
  if (args.some((arg) => arg !== '--ci'))
    throw new SetupError(`What is ${args.join(' ')}? There is:\n${USAGE}`);
  const isCi = args.includes('--ci');
  const goodbye = new Goodbye();
  const keyboard = isCi ? undefined : openKeyboard(goodbye);
  try {
    const startedAt = performance.now();
    const servers = await setUp(goodbye);
    // Only now: it imports packages that the set-up has just installed.
    const { tell } = await import('./demo/story.mjs');
    return await tell({ servers, isCi, goodbye, keyboard, startedAt });
  } catch (error) {
    // Whatever breaks because somebody wants to leave is no failure; but what was not finished has not passed.
    if (!goodbye.isWished || error instanceof SetupError) throw error;
    return isCi ? 130 : 0;
  } finally {
    await goodbye.say();
  }
}

main().then(
  (code) => process.exit(code),
  (error) => {
    console.error(error instanceof SetupError ? `\n${error.message}` : error);
    process.exit(1);
  },
);
