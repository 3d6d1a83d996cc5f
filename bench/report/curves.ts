import { axisLabel, gridLine } from '../../drawing/axes';
import { COLOURS, MONOSPACE, pathThrough, type Point } from '../../drawing/paper';
import { legend, MARK_WIDTH } from '../../drawing/legend';
import { picture } from '../../drawing/picture';
import { element, text } from '../../drawing/svg';
import type { Spread } from './statistics';

const WIDTH = 960;
const HEIGHT = 420;
const LEFT = 84;
const RIGHT = 40;
const TOP = 124;
const BOTTOM = 340;
const STEPS = 5;
const LINE_COLOURS = [COLOURS.first, COLOURS.second, COLOURS.third, COLOURS.fourth];

export interface Curve {
  readonly label: string;
  /** As many as there are places; undefined where nothing was measured. */
  readonly values: readonly (Spread | undefined)[];
}

export interface CurvePlot {
  readonly title: string;
  /** What is drawn upwards, with its unit. */
  readonly words: string;
  /** What is drawn to the right, with its unit, and the names of its places: evenly spaced, whatever they stand for. */
  readonly along: string;
  readonly places: readonly string[];
  readonly curves: readonly Curve[];
  readonly foot: string;
}

/** How a figure goes as something else grows, one line for each way, with the range of its rounds. */
export function curvePicture({ title, words, along, places, curves, foot }: CurvePlot): string {
  const all = curves.flatMap(({ values }) => values.flatMap((spread) => (spread ? [spread.max] : [])));
  const top = evenTop(Math.max(0, ...all));
  const y = (value: number): number => BOTTOM - (value / top) * (BOTTOM - TOP);
  const gap = (WIDTH - LEFT - RIGHT) / Math.max(1, places.length);
  const x = (index: number): number => LEFT + gap * (index + 0.5);
  return picture(
    { width: WIDTH, height: HEIGHT, title },
    element('text', { x: 24, y: 36, 'font-size': 18, 'font-weight': 600 }, text(title)),
    axisLabel({ x: 24, y: 58 }, words),
    legend(
      curves.map(({ label }, index) => ({
        words: label,
        mark: element('line', { x2: MARK_WIDTH, stroke: colourOf(index), 'stroke-width': 2.4 }),
      })),
      { left: 24, middle: 86 },
    ),
    ...Array.from({ length: STEPS + 1 }, (_, step) => (top / STEPS) * step).map(
      (tick) =>
        gridLine({ x1: LEFT, x2: WIDTH - RIGHT, y1: y(tick), y2: y(tick) }, tick) +
        axisLabel({ x: LEFT - 8, y: y(tick) + 4, 'text-anchor': 'end' }, String(Number(tick.toPrecision(4)))),
    ),
    ...places.map((place, index) =>
      axisLabel({ x: x(index), y: BOTTOM + 18, 'text-anchor': 'middle' }, place),
    ),
    axisLabel({ x: (LEFT + WIDTH - RIGHT) / 2, y: BOTTOM + 38, 'text-anchor': 'middle' }, along),
    ...curves.map((curve, index) => line(curve, colourOf(index), x, y)),
    element(
      'text',
      { x: 24, y: HEIGHT - 16, 'font-size': 11, 'font-family': MONOSPACE, fill: COLOURS.faint },
      text(foot),
    ),
  );
}

function line(
  { values }: Curve,
  stroke: string,
  x: (index: number) => number,
  y: (value: number) => number,
): string {
  const known = values.flatMap((spread, index) => (spread ? [{ spread, at: x(index) }] : []));
  const points = known.map(({ spread, at }): Point => [at, y(spread.median)]);
  return [
    element('path', { d: pathThrough(points), fill: 'none', stroke, 'stroke-width': 2.4 }),
    ...known.map(
      ({ spread, at }) =>
        element('line', { x1: at, x2: at, y1: y(spread.min), y2: y(spread.max), stroke }) +
        element('circle', { cx: at, cy: y(spread.median), r: 3.6, fill: stroke }),
    ),
  ].join('');
}

/** So high that its fifths are round numbers, fractions included: a cost may be less than one. */
function evenTop(highest: number): number {
  if (highest <= 0) return 1;
  const power = 10 ** Math.floor(Math.log10(highest));
  const factor = [1, 1.5, 2, 2.5, 3, 4, 5, 7.5, 10].find((candidate) => candidate * power >= highest);
  return (factor ?? 10) * power;
}

function colourOf(index: number): string {
  return LINE_COLOURS[index % LINE_COLOURS.length] ?? COLOURS.ink;
}
