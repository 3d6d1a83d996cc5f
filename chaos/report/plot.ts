import { clock, count, counted, shorten } from '../../drawing/figures';
import type { Journal } from './journal';
import { chart, chartLegend } from './plot-chart';
import { MONOSPACE } from '../../drawing/paper';
import { picture } from '../../drawing/picture';
import { COLOURS, type Frame } from './plot-frame';
import { lanes, lanesLegend, tints } from './plot-lanes';
import { legend } from '../../drawing/legend';
import { element, text } from '../../drawing/svg';

const WIDTH = 1_200;
const LEFT = 112;
const RIGHT = 66;
const TITLE_TOP = 34;
const LEGEND_TOP = 86;
const CHART_TOP = 132;
const CHART_HEIGHT = 300;
const LANES_GAP = 46;
const FOOT = 44;
/** In characters. */
const LONGEST_COMMAND = 150;
/** A run that has written nothing down yet still has an axis. */
const LEAST_MS = 10_000;

/** A run as a picture: throughput and backlog over time, and below them what was broken when. One SVG that needs nothing else. */
export function plotSvg(journal: Journal): string {
  const lengthMs = Math.max(LEAST_MS, lengthOf(journal));
  const frame: Frame = {
    left: LEFT,
    right: WIDTH - RIGHT,
    top: CHART_TOP,
    bottom: CHART_TOP + CHART_HEIGHT,
    lengthMs,
    x: (ms) => LEFT + (Math.min(ms, lengthMs) / lengthMs) * (WIDTH - RIGHT - LEFT),
  };
  const drawn = lanes(journal.faults, frame, frame.bottom + LANES_GAP);
  const height = drawn.bottom + FOOT;
  return picture(
    { width: WIDTH, height, title: titleOf(journal) },
    head(journal),
    legend([...chartLegend(journal), ...lanesLegend(journal.faults)], { left: LEFT, middle: LEGEND_TOP }),
    tints(journal.faults, frame),
    chart(journal, frame),
    ...drawn.markup,
    foot(journal, height),
  );
}

function lengthOf({ samples, faults }: Journal): number {
  const ends = faults.map(({ from, to }) => to ?? from);
  return Math.max(samples.at(-1)?.at ?? 0, ...ends);
}

function titleOf({ seed }: Journal): string {
  return `Chaos run with seed ${seed}`;
}

function head(journal: Journal): string {
  return [
    element('text', { x: LEFT, y: TITLE_TOP, 'font-size': 20, 'font-weight': 600 }, text(titleOf(journal))),
    element('text', { x: LEFT, y: TITLE_TOP + 22, fill: COLOURS.faint }, text(totals(journal))),
  ].join('');
}

function totals({ startedAt, samples, faults, deaths }: Journal): string {
  const last = samples.at(-1);
  const ended = [...deaths.values()].reduce((sum, times) => sum + times, 0);
  return [
    `${startedAt.toISOString().slice(0, 16).replace('T', ' ')} UTC`,
    clock(last?.at ?? 0),
    `${count(last?.confirmed ?? 0)} confirmed`,
    `${count(last?.settled ?? 0)} settled`,
    counted(faults.length, 'fault'),
    `${counted(ended, 'process', 'processes')} ended`,
  ].join('  ·  ');
}

function foot({ command }: Journal, height: number): string {
  return element(
    'text',
    { x: LEFT, y: height - 16, 'font-size': 11, 'font-family': MONOSPACE, fill: COLOURS.faint },
    text(shorten(command, LONGEST_COMMAND)),
  );
}
