import { textWidth } from './paper';
import { element, text } from './svg';

export interface LegendEntry {
  readonly words: string;
  /** Drawn in a box of this width around the origin's right, vertically centred on 0. */
  readonly mark: string;
}

export const MARK_WIDTH = 22;
const MARK_GAP = 7;
const ENTRY_GAP = 20;
const FONT_SIZE = 12;

/** Entries side by side. */
export function legend(
  entries: readonly LegendEntry[],
  { left, middle }: { readonly left: number; readonly middle: number },
): string {
  let x = left;
  return entries
    .map(({ words, mark }) => {
      const entry = element(
        'g',
        { transform: `translate(${x} ${middle})` },
        mark,
        element('text', { x: MARK_WIDTH + MARK_GAP, y: 4, 'font-size': FONT_SIZE }, text(words)),
      );
      x += MARK_WIDTH + MARK_GAP + Math.round(textWidth(words, FONT_SIZE)) + ENTRY_GAP;
      return entry;
    })
    .join('');
}
