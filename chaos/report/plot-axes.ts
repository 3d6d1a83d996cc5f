import { clock, count } from './figures';
import { COLOURS, type Frame, type Scale } from './plot-frame';
import { timeTicks } from './scales';
import { element, text, type Attributes } from './svg';

const FONT_SIZE = 11;
const MOST_TIMES = 13;
const HOUR = 3_600_000;

/** With the lines of the grid. */
export function leftAxis(ticks: readonly number[], frame: Frame, y: Scale, words: string): string {
  const { left, right } = frame;
  return [
    ...ticks.map((tick, index) => {
      const stroke = index === 0 ? COLOURS.axis : COLOURS.grid;
      return element('line', { x1: left, x2: right, y1: y(tick), y2: y(tick), stroke });
    }),
    label({ x: left, y: frame.top - 10 }, words),
    ...ticks.map((tick) => label({ x: left - 8, y: y(tick) + 4, 'text-anchor': 'end' }, count(tick))),
  ].join('');
}

/** With steps of its own, so without lines. */
export function rightAxis(ticks: readonly number[], frame: Frame, y: Scale, words: string): string {
  const { right } = frame;
  return [
    ...ticks.map((tick) =>
      element('line', { x1: right, x2: right + 4, y1: y(tick), y2: y(tick), stroke: COLOURS.axis }),
    ),
    label({ x: right, y: frame.top - 10, 'text-anchor': 'end' }, words),
    ...ticks.map((tick) => label({ x: right + 8, y: y(tick) + 4 }, count(tick))),
  ].join('');
}

export function timeAxis({ top, bottom, lengthMs, x }: Frame): string {
  return timeTicks(lengthMs, MOST_TIMES)
    .flatMap((ms) => [
      element('line', { x1: x(ms), x2: x(ms), y1: top, y2: bottom + 4, stroke: COLOURS.grid }),
      label({ x: x(ms), y: bottom + 18, 'text-anchor': 'middle' }, timeLabel(ms, lengthMs)),
    ])
    .join('');
}

/** `05:00`, and where there are hours `0:05:00`: one axis, one form. */
function timeLabel(ms: number, lengthMs: number): string {
  return lengthMs < HOUR || ms >= HOUR ? clock(ms) : `0:${clock(ms)}`;
}

function label(attributes: Attributes, content: string): string {
  return element('text', { ...attributes, 'font-size': FONT_SIZE, fill: COLOURS.faint }, text(content));
}
