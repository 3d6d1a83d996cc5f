/* A run under way, in words and figures: pure, so that the terminal and the plain log tell the same. */
import type { RunEvent } from './events';
import { clock, count, duration } from '../../drawing/figures';
import type { FaultRecord, Journal, Sample } from './journal';
import { rateBetween, type Counter } from './rates';

/** One row of the block: the label is shown faintly, a loud text stands out. */
export interface Row {
  readonly label: string;
  readonly text: string;
  readonly loud?: boolean;
}

export interface Moment {
  readonly elapsedMs: number;
  readonly totalMs: number;
  readonly replicas: number;
}

const SECOND = 1_000;
const RATE_OVER_MS = 5 * SECOND;
const SPARKLINE_SECONDS = 60;
const BARS = '▁▂▃▄▅▆▇█';

/** The block that is redrawn. `width` is what a row's text may take; only the sparkline gives way to it. */
export function draw(
  journal: Journal,
  moment: Moment,
  { events, width }: { readonly events: readonly RunEvent[]; readonly width: number },
): Row[] {
  const { samples, faults, seed } = journal;
  const last = samples.at(-1);
  const under = faults.filter(({ to }) => to === undefined);
  return [
    { label: 'chaos', text: `${clock(moment.elapsedMs)} of ${clock(moment.totalMs)}   seed ${seed}` },
    { label: 'confirmed', text: counter(samples, 'confirmed') },
    { label: 'settled', text: `${counter(samples, 'settled')}   backlog ${backlog(last)}` },
    { label: 'settled/s', text: sparkline(settledPerSecond(samples), width) },
    { label: 'replicas', text: ready(last, moment), loud: (last?.ready ?? 0) < moment.replicas },
    { label: 'faults', text: `${faults.length} so far` },
    {
      label: 'now',
      text: under.length === 0 ? 'nothing is broken' : underWay(under, moment.elapsedMs),
      loud: under.length > 0,
    },
    ...events.map(({ at, text }, index) => ({
      label: index === 0 ? 'last' : '',
      text: `${clock(at)} ${text}`,
    })),
  ];
}

/** One line for where nothing can be redrawn. */
export function summarise(journal: Journal, moment: Moment): string {
  const { samples, faults } = journal;
  const last = samples.at(-1);
  const under = faults.filter(({ to }) => to === undefined);
  return [
    `${clock(moment.elapsedMs)} of ${clock(moment.totalMs)}: confirmed ${counter(samples, 'confirmed')}`,
    `settled ${counter(samples, 'settled')}`,
    `backlog ${backlog(last)}`,
    `replicas ${ready(last, moment)}`,
    `faults ${faults.length}`,
    ...(under.length > 0 ? [`now ${underWay(under, moment.elapsedMs)}`] : []),
  ].join(', ');
}

/** One character per value, the latest to the right, and how high the highest is. */
export function sparkline(values: readonly number[], width: number): string {
  const highest = Math.max(0, ...values);
  const scale = ` to ${count(highest)}`;
  const shown = values.slice(-Math.max(1, width - scale.length));
  const top = BARS.length - 1;
  const bars = shown.map((value) => BARS[highest === 0 ? 0 : Math.ceil((value / highest) * top)]);
  return `${bars.join('')}${scale}`;
}

function settledPerSecond(samples: readonly Sample[]): number[] {
  const end = samples.at(-1)?.at ?? 0;
  const rates: number[] = [];
  for (let second = SPARKLINE_SECONDS; second > 0; second--) {
    const from = end - second * SECOND;
    const rate = rateBetween(samples, 'settled', from, from + SECOND);
    if (rate !== undefined) rates.push(rate);
  }
  return rates;
}

function counter(samples: readonly Sample[], name: Counter): string {
  const last = samples.at(-1);
  if (!last) return '0';
  const rate = rateBetween(samples, name, last.at - RATE_OVER_MS, last.at) ?? 0;
  return `${count(last[name])} (${count(rate)}/s)`;
}

function backlog(last: Sample | undefined): string {
  return last?.backlog === undefined ? 'unknown' : count(last.backlog);
}

function ready(last: Sample | undefined, { replicas }: Moment): string {
  return `${last?.ready ?? 0}/${replicas} ready`;
}

function underWay(faults: readonly FaultRecord[], elapsedMs: number): string {
  return faults.map(({ name, from }) => `${name} (${duration(Math.max(0, elapsedMs - from))})`).join(', ');
}
