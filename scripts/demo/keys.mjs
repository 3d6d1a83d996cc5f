import { emitKeypressEvents } from 'node:readline';

/** One line of what the keys do. */
export const KEYS =
  'p poison · d database away · c cut connections · x downstream · k kill -9 · h help · q quit';

/**
 * The keyboard, from the first moment on: in raw mode Ctrl-C is a key and not a signal, which npm would get too and make
 * exit code 130 of, however well the demo ends. Undefined where nobody can press keys.
 */
export function openKeyboard(goodbye) {
  if (!process.stdin.isTTY || !process.stdout.isTTY) return undefined;
  let actions = {};
  emitKeypressEvents(process.stdin);
  process.stdin.setRawMode(true);
  // Not sooner: a second Ctrl-C must be heard while the rest ends.
  process.once('exit', () => process.stdin.setRawMode(false));
  process.stdin.on('keypress', (text, key) => {
    if (key.ctrl && key.name === 'c') goodbye.wish();
    else if (!goodbye.isWished) actions[text]?.();
  });
  return {
    /** From now on each key does this: `{ p: () => … }`. */
    bind(newActions) {
      actions = newActions;
    },
  };
}
