import { courseOf, isUnrecovered } from './fault-account';
import { oneLine, shorten } from '../../drawing/figures';
import type { FaultRecord } from './journal';
import { placeLabels } from './lane-labels';
import { textWidth } from '../../drawing/paper';
import { COLOURS, type Frame } from './plot-frame';
import { MARK_WIDTH, type LegendEntry } from '../../drawing/legend';
import { element, text } from '../../drawing/svg';

const BAND_HEIGHT = 16;
const LEAST_BAND_WIDTH = 2;
const FONT_SIZE = 10.5;
const ROW_HEIGHT = 15;
const MOST_ROWS = 4;
const LABEL_GAP = 8;
/** In characters. */
const LONGEST_NAME = 60;
const LANE_GAP = 18;
/** Where there are more, the tints run together and say nothing. */
const MOST_TINTS = 150;
/** Always there, and in this order. */
const LANES = ['replica', 'surroundings'];

interface Band {
  readonly fault: FaultRecord;
  readonly x: number;
  readonly width: number;
  readonly colour: string;
}

/** What was broken when: a row of bands for each lane with names below, as many as have room; all of it in the tooltips. */
export function lanes(
  faults: readonly FaultRecord[],
  frame: Frame,
  top: number,
): { readonly markup: readonly string[]; readonly bottom: number } {
  const markup: string[] = [];
  let y = top;
  for (const name of laneNames(faults)) {
    const bands = faults.filter(({ lane }) => lane === name).map((fault) => bandOf(fault, faults, frame));
    const drawn = lane(name, bands, frame, y);
    markup.push(drawn.markup);
    y = drawn.bottom + LANE_GAP;
  }
  return { markup, bottom: y - LANE_GAP };
}

/** The same spans, faintly, behind the chart: what they did to the lines. */
export function tints(faults: readonly FaultRecord[], frame: Frame): string {
  if (faults.length > MOST_TINTS) return '';
  return faults
    .filter(({ failure }) => failure === undefined)
    .map((fault) => {
      const { x, width, colour } = bandOf(fault, faults, frame);
      const height = frame.bottom - frame.top;
      return element('rect', { x, y: frame.top, width, height, fill: colour, 'fill-opacity': 0.1 });
    })
    .join('');
}

export function lanesLegend(faults: readonly FaultRecord[]): LegendEntry[] {
  const entry = (words: string, attributes: Record<string, string | number>): LegendEntry => ({
    words,
    mark: element('rect', { y: -6, width: MARK_WIDTH, height: 12, rx: 1.5, ...attributes }),
  });
  if (faults.length === 0) return [];
  return [
    entry('fault', solid(COLOURS.axis)),
    entry('recovery', recovering(COLOURS.axis)),
    ...(faults.some(isUnrecovered) ? [entry('no recovery seen', solid(COLOURS.alarm))] : []),
    ...(faults.some(({ failure }) => failure !== undefined)
      ? [entry('could not be done', hollow(COLOURS.axis))]
      : []),
  ];
}

const solid = (fill: string): Record<string, string | number> => ({ fill });
const recovering = (fill: string): Record<string, string | number> => ({ fill, 'fill-opacity': 0.35 });
const hollow = (stroke: string): Record<string, string | number> => ({
  fill: 'none',
  stroke,
  'stroke-dasharray': '3 2',
});

function laneNames(faults: readonly FaultRecord[]): string[] {
  return [...new Set([...LANES, ...faults.map(({ lane }) => lane)])];
}

function bandOf(fault: FaultRecord, faults: readonly FaultRecord[], { x, lengthMs }: Frame): Band {
  const left = x(fault.from);
  return {
    fault,
    x: left,
    width: Math.max(LEAST_BAND_WIDTH, x(fault.to ?? lengthMs) - left),
    colour: COLOURS.lanes[laneNames(faults).indexOf(fault.lane) % COLOURS.lanes.length] ?? COLOURS.axis,
  };
}

function lane(
  name: string,
  bands: readonly Band[],
  frame: Frame,
  top: number,
): { readonly markup: string; readonly bottom: number } {
  const { left, right } = frame;
  const placed = placeLabels(bands.map(labelOf(bands)), { right, rows: MOST_ROWS, gap: LABEL_GAP });
  const rows = placed.reduce((most, { row }) => Math.max(most, row + 1), 0);
  const labels = placed.map(({ label, left: x, row }) => ({
    band: label.band,
    x,
    y: top + BAND_HEIGHT + 3 + (row + 1) * ROW_HEIGHT,
  }));
  const markup = [
    element(
      'text',
      { x: left - 10, y: top + 12, 'text-anchor': 'end', 'font-size': 12, 'font-weight': 600 },
      text(name),
    ),
    element('rect', { x: left, y: top, width: right - left, height: BAND_HEIGHT, fill: '#f3f5f7' }),
    ...labels.map(({ band, y }) => leader(band, top + BAND_HEIGHT, y - 9)),
    ...bands.map((band) => bandMarkup(band, frame, top)),
    ...labels.map(({ band, x, y }) => labelMarkup(band, x, y)),
  ];
  return { markup: markup.join(''), bottom: top + BAND_HEIGHT + 8 + rows * ROW_HEIGHT };
}

/** What went wrong is named first, then each name once, then the slow recoveries. */
function labelOf(bands: readonly Band[]) {
  return (band: Band, index: number): { band: Band; x: number; width: number; weight: number } => {
    const { name, failure, recoveredMs = 0 } = band.fault;
    const isFirst = bands.findIndex((other) => other.fault.name === name) === index;
    const wentWrong = failure !== undefined || isUnrecovered(band.fault);
    return {
      band,
      x: band.x,
      width: textWidth(labelText(band.fault), FONT_SIZE),
      weight: (wentWrong ? 2e9 : 0) + (isFirst ? 1e9 : 0) + recoveredMs,
    };
  };
}

/** Without what the lane says already. */
function labelText({ name, lane }: FaultRecord): string {
  const prefix = `${lane}: `;
  return shorten(name.startsWith(prefix) ? name.slice(prefix.length) : name, LONGEST_NAME);
}

function bandMarkup({ fault, x, width, colour }: Band, frame: Frame, top: number): string {
  const shape = { y: top, height: BAND_HEIGHT, rx: 1.5 };
  const { failure, to, recoveredMs } = fault;
  const fill = isUnrecovered(fault) ? COLOURS.alarm : colour;
  const recovery =
    to === undefined || recoveredMs === undefined
      ? []
      : [
          element('rect', {
            ...shape,
            x: x + width,
            width: Math.max(0, frame.x(to + recoveredMs) - x - width),
            ...recovering(colour),
          }),
        ];
  return element(
    'g',
    {},
    element('title', {}, text(tooltipOf(fault))),
    element('rect', { ...shape, x, width, ...(failure === undefined ? solid(fill) : hollow(colour)) }),
    ...recovery,
  );
}

function tooltipOf(fault: FaultRecord): string {
  const { name, detail = '', failure } = fault;
  const failed = failure === undefined ? '' : `could not be done: ${failure}`;
  return [name, detail, failed, courseOf(fault)]
    .map(oneLine)
    .filter((line) => line !== '')
    .join('\n');
}

function leader({ x, colour }: Band, top: number, bottom: number): string {
  return element('line', {
    x1: x + 0.5,
    x2: x + 0.5,
    y1: top,
    y2: bottom,
    stroke: colour,
    'stroke-opacity': 0.4,
  });
}

/** With a rim of paper, so that no line runs through the words. */
function labelMarkup({ fault }: Band, x: number, y: number): string {
  return element(
    'text',
    {
      x,
      y,
      'font-size': FONT_SIZE,
      fill: isUnrecovered(fault) ? COLOURS.alarm : COLOURS.ink,
      stroke: COLOURS.paper,
      'stroke-width': 3,
      'stroke-linejoin': 'round',
      'paint-order': 'stroke',
    },
    text(labelText(fault)),
  );
}
