import { COLOURS, FONT } from './paper';
import { element, text } from './svg';

interface Picture {
  readonly width: number;
  readonly height: number;
  /** Read aloud, and shown where a pointer rests. */
  readonly title: string;
}

/** One SVG that needs nothing else, on white paper with round corners. */
export function picture({ width, height, title }: Picture, ...markup: readonly string[]): string {
  return `${element(
    'svg',
    {
      xmlns: 'http://www.w3.org/2000/svg',
      viewBox: `0 0 ${width} ${height}`,
      width,
      height,
      role: 'img',
      'font-family': FONT,
      'font-size': 12,
      fill: COLOURS.ink,
    },
    element('title', {}, text(title)),
    element('rect', { width, height, rx: 8, fill: COLOURS.paper }),
    ...markup,
  )}\n`;
}
