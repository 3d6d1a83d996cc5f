import { COLOURS } from './paper';
import { element, text, type Attributes } from './svg';

const FONT_SIZE = 11;

/** The faint words and figures along an axis. */
export function axisLabel(attributes: Attributes, content: string): string {
  return element('text', { ...attributes, 'font-size': FONT_SIZE, fill: COLOURS.faint }, text(content));
}

/** The one at zero is the axis itself, and drawn as such; without a value it is always of the grid. */
export function gridLine(
  ends: { readonly x1: number; readonly x2: number; readonly y1: number; readonly y2: number },
  value?: number,
): string {
  return element('line', { ...ends, stroke: value === 0 ? COLOURS.axis : COLOURS.grid });
}
