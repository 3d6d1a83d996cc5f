import type { Sample } from './journal';
import { pathThrough, type Point, type Scale } from '../../drawing/paper';
import { COLOURS, type Frame } from './plot-frame';
import { element } from '../../drawing/svg';

const UNKNOWN_HEIGHT = 10;

/** Samples in a row of which the backlog is known, or unknown, all of them. */
interface Stretch {
  readonly known: boolean;
  readonly samples: readonly Sample[];
  /** When the next stretch begins, and this one ends. */
  readonly to: number;
}

/** The area ends where the broker could not be asked: what it held then is not known. */
export function backlogArea(samples: readonly Sample[], frame: Frame, y: Scale): string {
  return stretches(samples)
    .filter(({ known }) => known)
    .map(({ samples: stretch }) => {
      const points = peaks(stretch, frame).map(([x, backlog]): Point => [x, y(backlog)]);
      const [first, last] = [points[0], points.at(-1)];
      if (!first || !last) return '';
      const outline = pathThrough(points);
      return [
        element('path', {
          d: `${outline}V${frame.bottom}H${first[0].toFixed(1)}Z`,
          fill: COLOURS.backlog,
          'fill-opacity': 0.22,
        }),
        element('path', { d: outline, fill: 'none', stroke: COLOURS.backlog, 'stroke-opacity': 0.55 }),
      ].join('');
    })
    .join('');
}

/** A strip on the base line. */
export function unknownSpans(samples: readonly Sample[], { x, bottom }: Frame): string {
  return stretches(samples)
    .filter(({ known }) => !known)
    .map(({ samples: [first], to }) => {
      const left = x(first?.at ?? 0);
      const width = Math.max(1, x(to) - left);
      const y = bottom - UNKNOWN_HEIGHT;
      return element('rect', { x: left, y, width, height: UNKNOWN_HEIGHT, fill: COLOURS.unknown });
    })
    .join('');
}

function stretches(samples: readonly Sample[]): Stretch[] {
  const found: { known: boolean; samples: Sample[]; to: number }[] = [];
  for (const sample of samples) {
    const known = sample.backlog !== undefined;
    const current = found.at(-1);
    if (current) current.to = sample.at;
    if (current?.known === known) current.samples.push(sample);
    else found.push({ known, samples: [sample], to: sample.at });
  }
  return found;
}

/** The highest backlog per unit of width: hours have more samples than that, and a peak must not get lost among them. */
function peaks(samples: readonly Sample[], { x }: Frame): Point[] {
  const highest = new Map<number, number>();
  for (const { at, backlog = 0 } of samples) {
    const column = Math.round(x(at));
    highest.set(column, Math.max(backlog, highest.get(column) ?? 0));
  }
  return [...highest];
}
