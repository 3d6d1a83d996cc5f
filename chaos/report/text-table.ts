import { oneLine, shorten } from '../../drawing/figures';
import type { Table } from './tables';

const GAP = '  ';
/** Words are cut no shorter than this; from there on the table is wider than asked. */
const LEAST_WORDS = 24;

/** Words to the left, figures to the right. Where it is too wide words are cut; figures never are. */
export function textTable({ heads, rows }: Table, width: number): string[] {
  const widths = heads.map((_, column) =>
    Math.max(...[heads, ...rows].map((cells) => (cells[column] ?? '').length)),
  );
  const figures = widths.slice(1).reduce((sum, own) => sum + GAP.length + own, 0);
  const words = Math.min(widths[0] ?? 0, Math.max(LEAST_WORDS, width - figures));
  return [heads, ...rows].map((cells) =>
    cells
      .map((cell, column) =>
        column === 0 ? shorten(cell, words).padEnd(words) : cell.padStart(widths[column] ?? 0),
      )
      .join(GAP),
  );
}

/** Breaks between words, except where one word alone is longer than a line. */
export function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of oneLine(text).split(' ')) {
    if (line !== '' && line.length + 1 + word.length > width) {
      lines.push(line);
      line = '';
    }
    line = line === '' ? word : `${line} ${word}`;
  }
  return line === '' ? lines : [...lines, line];
}
