import { COLOURS as PALETTE } from '../../drawing/paper';

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

/** What the colours mean in the plot of a run. */
export const COLOURS = {
  ...PALETTE,
  confirmed: PALETTE.first,
  settled: PALETTE.second,
  backlog: PALETTE.neutral,
  unknown: PALETTE.pale,
  lanes: [PALETTE.fourth, PALETTE.third, '#7a6a00', '#3d5a80'],
} as const;
