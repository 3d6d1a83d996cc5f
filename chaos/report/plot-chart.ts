import { duration } from '../../drawing/figures';
import { backlogArea, unknownSpans } from './plot-backlog';
import { leftAxis, rightAxis, timeAxis } from './plot-axes';
import type { Journal } from './journal';
import { pathThrough, type Scale } from '../../drawing/paper';
import { COLOURS, type Frame } from './plot-frame';
import { MARK_WIDTH, type LegendEntry } from '../../drawing/legend';
import { smoothedRates, type Rate } from './rates';
import { roundTicks } from '../../drawing/scales';
import { element, type Attributes } from '../../drawing/svg';

/** Of a vertical axis, at most. */
const STEPS = 6;
/** A point of a line every so many units of width. */
const POINT_EVERY = 2;
/** The lines show means over this share of the run, and over no less than these milliseconds. */
const WINDOW_SHARE = 1 / 150;
const LEAST_WINDOW_MS = 3_000;
/** The one below is broad: mostly both go the same way, and neither shall hide the other. */
const LINES = [
  { counter: 'settled', style: { stroke: COLOURS.settled, 'stroke-width': 3.2 } },
  { counter: 'confirmed', style: { stroke: COLOURS.confirmed, 'stroke-width': 1.6 } },
] as const;

interface RateLine {
  readonly style: Attributes;
  readonly rates: readonly Rate[];
}

/** Axes, the backlog as an area, and over it the two rates as lines. */
export function chart({ samples }: Journal, frame: Frame): string {
  const smoothing = {
    stepMs: (frame.lengthMs / (frame.right - frame.left)) * POINT_EVERY,
    windowMs: Math.max(LEAST_WINDOW_MS, frame.lengthMs * WINDOW_SHARE),
  };
  const lines = LINES.map(({ counter, style }): RateLine => ({
    style,
    rates: smoothedRates(samples, counter, smoothing),
  }));
  const perSecond = roundTicks(
    highest(lines.flatMap(({ rates }) => rates.map((rate) => rate.perSecond))),
    STEPS,
  );
  const messages = roundTicks(highest(samples.map(({ backlog = 0 }) => backlog)), STEPS);
  return [
    unknownSpans(samples, frame),
    timeAxis(frame),
    leftAxis(
      perSecond,
      frame,
      scaleTo(perSecond, frame),
      `messages/s, means of ${duration(smoothing.windowMs)}`,
    ),
    rightAxis(messages, frame, scaleTo(messages, frame), 'backlog'),
    backlogArea(samples, frame, scaleTo(messages, frame)),
    ...lines.map((line) => rateLine(line, frame, scaleTo(perSecond, frame))),
  ].join('');
}

export function chartLegend({ samples }: Journal): LegendEntry[] {
  const box = (fill: string, opacity: number): string =>
    element('rect', { y: -6, width: MARK_WIDTH, height: 12, fill, 'fill-opacity': opacity });
  return [
    ...[...LINES].reverse().map(({ counter, style }) => ({
      words: `${counter}/s`,
      mark: element('line', { x2: MARK_WIDTH, 'stroke-linecap': 'round', ...style }),
    })),
    { words: 'backlog', mark: box(COLOURS.backlog, 0.3) },
    ...(samples.some(({ backlog }) => backlog === undefined)
      ? [{ words: 'backlog unknown', mark: box(COLOURS.unknown, 1) }]
      : []),
  ];
}

function rateLine({ style, rates }: RateLine, { x }: Frame, y: Scale): string {
  return element('path', {
    d: pathThrough(rates.map(({ at, perSecond }) => [x(at), y(perSecond)])),
    fill: 'none',
    'stroke-linejoin': 'round',
    'stroke-linecap': 'round',
    ...style,
  });
}

function scaleTo(ticks: readonly number[], { top, bottom }: Frame): Scale {
  const most = ticks.at(-1) ?? 1;
  return (value) => bottom - (value / most) * (bottom - top);
}

/** Without spreading: hours have more samples than a call may have arguments. */
function highest(values: readonly number[]): number {
  return values.reduce((most, value) => Math.max(most, value), 0);
}
