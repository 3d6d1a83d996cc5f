import { closeSync, openSync, readdirSync, readSync } from 'node:fs';
import { join } from 'node:path';

const SETTLED = Buffer.from('\tsettled\t');
const PORTION = 2 ** 18;

/** Follows the histories of all processes as they grow, and counts what has been settled. */
export class HistoryProgress {
  private readonly read = new Map<string, number>();
  private count = 0;
  private readonly buffer = Buffer.alloc(PORTION);

  constructor(private readonly folder: string) {}

  settled(): number {
    for (const file of readdirSync(this.folder)) this.follow(file);
    return this.count;
  }

  forget(): void {
    this.read.clear();
    this.count = 0;
  }

  private follow(file: string): void {
    const handle = openSync(join(this.folder, file), 'r');
    try {
      let at = this.read.get(file) ?? 0;
      for (;;) {
        const bytes = readSync(handle, this.buffer, 0, PORTION, at);
        // Only whole lines: the last one may still be being written.
        const end = this.buffer.subarray(0, bytes).lastIndexOf(10) + 1;
        if (end === 0) break;
        const lines = this.buffer.subarray(0, end);
        for (let found = lines.indexOf(SETTLED); found !== -1; found = lines.indexOf(SETTLED, found + 1))
          this.count++;
        at += end;
      }
      this.read.set(file, at);
    } finally {
      closeSync(handle);
    }
  }
}
