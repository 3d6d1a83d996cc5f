/* What every picture is drawn on and with. */

export const FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'DejaVu Sans', Arial, sans-serif";
export const MONOSPACE = 'ui-monospace, SFMono-Regular, Menlo, Consolas, monospace';

/** A palette that colour-blind readers can tell apart (Okabe and Ito), on a paper of its own: viewers may be dark. */
export const COLOURS = {
  paper: '#ffffff',
  ink: '#1f2328',
  faint: '#59636e',
  grid: '#e4e8ec',
  axis: '#9aa4af',
  first: '#0072b2',
  second: '#ee9a55',
  third: '#00795a',
  fourth: '#a0568f',
  neutral: '#6e7781',
  pale: '#c3cbd3',
  alarm: '#c8102e',
} as const;

/** Roughly, and rather too much: fonts differ between machines. */
export function textWidth(content: string, fontSize: number): number {
  const narrow = content.match(/[fijlrt.,:;'|()[\] -]/g)?.length ?? 0;
  const wide = content.match(/[A-Zmw]/g)?.length ?? 0;
  return fontSize * (0.62 * content.length - 0.22 * narrow + 0.16 * wide);
}

export type Point = readonly [x: number, y: number];

/** From a value to its place along an axis. */
export type Scale = (value: number) => number;

export function pathThrough(points: readonly Point[]): string {
  return points.map(([x, y], index) => `${index === 0 ? 'M' : 'L'}${x.toFixed(1)} ${y.toFixed(1)}`).join('');
}
