import type { Journal } from './journal';
import type { Output, Progress } from './output';
import type { Moment } from './picture';
import { PlainProgress } from './plain-progress';
import { TerminalProgress } from './terminal-progress';

export type { Output, Progress } from './output';

export interface ProgressOptions {
  readonly totalMs: number;
  /** How many replicas there should be. */
  readonly replicas: number;
  readonly stream: Output;
  readonly isTerminal: boolean;
  /** `CI` and `TERM=dumb` ask for lines instead of a block, `NO_COLOR` for no colours. */
  readonly environment?: NodeJS.ProcessEnv;
  /** Milliseconds since whenever; it must not jump. */
  readonly now?: () => number;
}

export function createProgress(journal: Journal, options: ProgressOptions): Progress {
  const { environment = process.env, now = () => performance.now(), stream, totalMs, replicas } = options;
  const { CI = '', NO_COLOR = '', TERM } = environment;
  const elapsedMs = clockOf(journal, now);
  const moment = (): Moment => ({ elapsedMs: elapsedMs(), totalMs, replicas });
  const isCi = CI !== '' && CI !== 'false' && CI !== '0';
  if (!options.isTerminal || isCi || TERM === 'dumb') return new PlainProgress(journal, moment, stream);
  // Any value at all says no: https://no-color.org
  return new TerminalProgress(journal, moment, stream, { colours: NO_COLOR === '' });
}

/** Samples tell the time of the run; between two of them, and when none come, it goes on. Before the first it has not begun. */
function clockOf({ samples }: Journal, now: () => number): () => number {
  let latest = samples.at(-1);
  let seenAt = now();
  return () => {
    const last = samples.at(-1);
    if (last !== latest) {
      latest = last;
      seenAt = now();
    }
    return latest === undefined ? 0 : latest.at + now() - seenAt;
  };
}
