import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Moves the wall clock of one process while it runs, by libfaketime. Its monotonic clock, and so its timers, stay true. */
export interface FakeClock {
  readonly environment: Readonly<Record<string, string>>;
  /** Ahead by so many milliseconds of the true time; negative: behind. */
  set(ms: number): void;
}

/** @returns undefined where libfaketime is not installed (Debian: `apt-get install libfaketime`). */
export function fakeClock(file: string): FakeClock | undefined {
  const library = findLibrary();
  if (library === undefined) return undefined;
  const set = (ms: number): void => {
    writeFileSync(file, `${ms < 0 ? '-' : '+'}${Math.abs(ms / 1_000).toFixed(3)}s\n`);
  };
  set(0);
  return {
    environment: {
      LD_PRELOAD: library,
      FAKETIME_TIMESTAMP_FILE: file,
      FAKETIME_CACHE_DURATION: '1',
      FAKETIME_DONT_FAKE_MONOTONIC: '1',
      DONT_FAKE_MONOTONIC: '1',
    },
    set,
  };
}

function findLibrary(): string | undefined {
  if (process.platform !== 'linux') return undefined;
  const folders = ['/usr/lib', ...readdirSync('/usr/lib').map((name) => join('/usr/lib', name))];
  return folders
    .map((folder) => join(folder, 'faketime', 'libfaketime.so.1'))
    .find((path) => existsSync(path));
}
