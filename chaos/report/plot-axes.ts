import { clock, count } from '../../drawing/figures';
import { axisLabel, gridLine } from '../../drawing/axes';
import type { Scale } from '../../drawing/paper';
import { timeTicks } from '../../drawing/scales';
import { element } from '../../drawing/svg';
import { COLOURS, type Frame } from './plot-frame';

const MOST_TIMES = 13;
const HOUR = 3_600_000;

/** With the lines of the grid. */
export function leftAxis(ticks: readonly number[], frame: Frame, y: Scale, words: string): string {
  const { left, right } = frame;
  return [
    ...ticks.map((tick) => gridLine({ x1: left, x2: right, y1: y(tick), y2: y(tick) }, tick)),
    axisLabel({ x: left, y: frame.top - 10 }, words),
    ...ticks.map((tick) => axisLabel({ x: left - 8, y: y(tick) + 4, 'text-anchor': 'end' }, count(tick))),
  ].join('');
}

/** With steps of its own, so without lines. */
export function rightAxis(ticks: readonly number[], frame: Frame, y: Scale, words: string): string {
  const { right } = frame;
  return [
    ...ticks.map((tick) =>
      element('line', { x1: right, x2: right + 4, y1: y(tick), y2: y(tick), stroke: COLOURS.axis }),
    ),
    axisLabel({ x: right, y: frame.top - 10, 'text-anchor': 'end' }, words),
    ...ticks.map((tick) => axisLabel({ x: right + 8, y: y(tick) + 4 }, count(tick))),
  ].join('');
}

export function timeAxis({ top, bottom, lengthMs, x }: Frame): string {
  return timeTicks(lengthMs, MOST_TIMES)
    .flatMap((ms) => [
      gridLine({ x1: x(ms), x2: x(ms), y1: top, y2: bottom + 4 }),
      axisLabel({ x: x(ms), y: bottom + 18, 'text-anchor': 'middle' }, timeLabel(ms, lengthMs)),
    ])
    .join('');
}

/** `05:00`, and where there are hours `0:05:00`: one axis, one form. */
function timeLabel(ms: number, lengthMs: number): string {
  return lengthMs < HOUR || ms >= HOUR ? clock(ms) : `0:${clock(ms)}`;
}
