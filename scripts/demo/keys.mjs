import { emitKeypressEvents } from 'node:readline';

/** One line of what the keys do. */
export const KEYS =
  'p poison · d database away · c cut connections · x downstream · k kill -9 · h help · q quit';

export const canReadKeys = () => Boolean(process.stdin.isTTY && process.stdout.isTTY);

/** Calls `actions[key]` for each key; Ctrl-C arrives here as a key while the terminal is in raw mode. */
export function readKeys(actions, goodbye) {
  emitKeypressEvents(process.stdin);
  process.stdin.setRawMode(true);
  process.stdin.resume();
  const restore = () => {
    process.stdin.setRawMode(false);
    process.stdin.pause();
  };
  goodbye.remember('keys', () => {}, restore);
  // The last to be undone keeps reading until then: a second Ctrl-C must be heard while the rest ends.
  process.once('exit', restore);
  process.stdin.on('keypress', (text, key) => {
    if (key.ctrl && (key.name === 'c' || key.name === 'd')) return goodbye.wish();
    if (!goodbye.isWished) actions[text]?.();
  });
}
