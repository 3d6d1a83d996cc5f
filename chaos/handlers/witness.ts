import { mkdirSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';

/** Where this replica writes down what it sees; set by the runner. */
const folder = process.env['CHAOS_HISTORY'];
const replica = process.env['CHAOS_REPLICA'] ?? 'replica';

let file: number | undefined;
let lines: string[] = [];
let flushing = false;

/**
 * Writes one line of history: `epoch-ms TAB event TAB message id TAB queue TAB …`. Written at the end of the turn, straight to the
 * file: what a process has written survives its kill -9.
 */
export function witness(...fields: (string | number)[]): void {
  lines.push([Date.now(), ...fields].join('\t'));
  if (flushing) return;
  flushing = true;
  setImmediate(flush);
}

/** The same, now: for the last words of a process. */
export function lastWords(...fields: (string | number)[]): void {
  lines.push([Date.now(), ...fields].join('\t'));
  flush();
}

function flush(): void {
  flushing = false;
  const text = `${lines.join('\n')}\n`;
  lines = [];
  if (folder === undefined) return;
  if (file === undefined) {
    mkdirSync(folder, { recursive: true });
    file = openSync(join(folder, `${replica}-${process.pid}.tsv`), 'a');
  }
  writeSync(file, text);
}
