/** Where the chart lies; lanes share its horizontal axis. */
export interface Frame {
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly bottom: number;
  /** What the horizontal axis spans. */
  readonly lengthMs: number;
  readonly x: (ms: number) => number;
}

export const FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'DejaVu Sans', Arial, sans-serif";

/** A palette that colour-blind readers can tell apart (Okabe and Ito), on a paper of its own: viewers may be dark. */
export const COLOURS = {
  paper: '#ffffff',
  ink: '#1f2328',
  faint: '#59636e',
  grid: '#e4e8ec',
  axis: '#9aa4af',
  confirmed: '#0072b2',
  settled: '#ee9a55',
  backlog: '#6e7781',
  unknown: '#c3cbd3',
  lanes: ['#a0568f', '#00795a', '#7a6a00', '#3d5a80'],
  alarm: '#c8102e',
} as const;

/** Roughly, and rather too much: fonts differ between machines. */
export function textWidth(content: string, fontSize: number): number {
  const narrow = content.match(/[fijlrt.,:;'|()[\] -]/g)?.length ?? 0;
  const wide = content.match(/[A-Zmw]/g)?.length ?? 0;
  return fontSize * (0.62 * content.length - 0.22 * narrow + 0.16 * wide);
}

export type Point = readonly [x: number, y: number];

/** From a value to its height. */
export type Scale = (value: number) => number;

export function pathThrough(points: readonly Point[]): string {
  return points.map(([x, y], index) => `${index === 0 ? 'M' : 'L'}${x.toFixed(1)} ${y.toFixed(1)}`).join('');
}
