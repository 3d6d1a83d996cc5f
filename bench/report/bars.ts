import { axisLabel, gridLine } from '../../drawing/axes';
import { count } from '../../drawing/figures';
import { COLOURS, MONOSPACE, textWidth } from '../../drawing/paper';
import { picture } from '../../drawing/picture';
import { roundTicks } from '../../drawing/scales';
import { element, text } from '../../drawing/svg';
import type { PartResult, VariantResult } from './results';
import { plainWords } from './words';

const WIDTH = 960;
const MARGIN = 24;
const TITLE_TOP = 36;
const CHART_TOP = 88;
const ROW = 34;
const BAR = 18;
const FOOT = 64;
const LABEL_SIZE = 13;
/** So much wider are bold letters, at most. */
const BOLD = 1.18;
const TICKS = 6;
/** For the figures behind the longest bar. */
const VALUES = 150;

/** The first measure of every variant as a bar, with the range of its rounds. */
export function barPicture(result: PartResult): string {
  const measure = result.measures[0];
  const { title } = result;
  const variants = result.variants.filter(({ figures }) => figures[measure.key] !== undefined);
  const left =
    MARGIN +
    12 +
    Math.max(
      120,
      ...variants.map(({ label }) => Math.round(BOLD * textWidth(plainWords(label), LABEL_SIZE))),
    );
  const right = WIDTH - MARGIN - VALUES;
  const ticks = roundTicks(
    Math.max(1, ...variants.map(({ figures }) => figures[measure.key]?.max ?? 0)),
    TICKS,
  );
  const most = ticks.at(-1) ?? 1;
  const x = (value: number): number => left + (value / most) * (right - left);
  const bottom = CHART_TOP + variants.length * ROW;
  return picture(
    { width: WIDTH, height: bottom + FOOT, title },
    element(
      'text',
      { x: MARGIN, y: TITLE_TOP, 'font-size': 18, 'font-weight': 600 },
      text(plainWords(title)),
    ),
    axisLabel(
      { x: MARGIN, y: TITLE_TOP + 22 },
      `${measure.label}, medians with the lowest and the highest round; × ${labelOf(result)}`,
    ),
    ...ticks.map(
      (tick) =>
        gridLine({ x1: x(tick), x2: x(tick), y1: CHART_TOP - 6, y2: bottom + 4 }, tick) +
        axisLabel({ x: x(tick), y: bottom + 20, 'text-anchor': 'middle' }, count(tick)),
    ),
    ...variants.map((variant, row) => bar(variant, measure.key, { x, left, top: CHART_TOP + row * ROW })),
    element(
      'text',
      { x: MARGIN, y: bottom + FOOT - 16, 'font-size': 11, 'font-family': MONOSPACE, fill: COLOURS.faint },
      text(`${result.command}, ${result.at.slice(0, 10)}`),
    ),
  );
}

function bar(
  { label, isHoldfast, figures, ratio }: VariantResult,
  key: string,
  { x, left, top }: { readonly x: (value: number) => number; readonly left: number; readonly top: number },
): string {
  const spread = figures[key];
  if (!spread) return '';
  const middle = top + ROW / 2;
  const ink = { stroke: COLOURS.ink, 'stroke-opacity': 0.7 };
  const whisker = [spread.min, spread.max].map((value) =>
    element('line', { x1: x(value), x2: x(value), y1: middle - 4, y2: middle + 4, ...ink }),
  );
  const figure = ratio ? `${count(spread.median)}  (${ratio.median.toFixed(2)} ×)` : count(spread.median);
  return element(
    'g',
    {},
    element(
      'text',
      {
        x: left - 10,
        y: middle + 4.5,
        'text-anchor': 'end',
        'font-size': LABEL_SIZE,
        'font-weight': isHoldfast ? 600 : undefined,
      },
      text(plainWords(label)),
    ),
    element('rect', {
      x: left,
      y: middle - BAR / 2,
      width: Math.max(1, x(spread.median) - left),
      height: BAR,
      rx: 2,
      fill: isHoldfast ? COLOURS.first : COLOURS.pale,
    }),
    element('line', { x1: x(spread.min), x2: x(spread.max), y1: middle, y2: middle, ...ink }),
    ...whisker,
    element('text', { x: x(spread.max) + 10, y: middle + 4.5, 'font-size': 12 }, text(figure)),
  );
}

function labelOf({ baseline, variants }: PartResult): string {
  return plainWords(variants.find(({ name }) => name === baseline)?.label ?? baseline);
}
