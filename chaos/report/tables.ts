import { accountFaults } from './fault-account';
import { count, duration } from '../../drawing/figures';
import type { FaultRecord, KindAccount } from './journal';

/** Rows of words and figures, laid out as text or as Markdown; the first column is words, the others are figures. */
export interface Table {
  readonly heads: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

const FIGURES = [
  ['confirmed', 'confirmed'],
  ['effects', 'effects'],
  ['dead letters', 'deadLetters'],
  ['discarded', 'discarded'],
  ['lost', 'lost'],
  ['doubled', 'doubled'],
  ['repeated', 'repeated'],
] as const;

export type Totals = Readonly<Record<(typeof FIGURES)[number][1], number>>;

export function totalsOf(kinds: readonly KindAccount[]): Totals {
  const sum = (figure: keyof Totals): number => kinds.reduce((total, kind) => total + kind[figure], 0);
  return Object.fromEntries(FIGURES.map(([, figure]) => [figure, sum(figure)])) as Totals;
}

export function messagesTable(kinds: readonly KindAccount[]): Table {
  const row = (name: string, account: Totals): string[] => [
    name,
    ...FIGURES.map(([, figure]) => count(account[figure])),
  ];
  return {
    heads: ['kind', ...FIGURES.map(([head]) => head)],
    rows: [...kinds.map((kind) => row(kind.kind, kind)), row('total', totalsOf(kinds))],
  };
}

/** What the columns of times mean. */
export const RECOVERY_NOTE =
  'Median and worst recovery: from the end of a fault until every replica was ready with all its consumers.';

export function faultsTable(faults: readonly FaultRecord[]): Table {
  const orDash = (ms: number | undefined): string => (ms === undefined ? '-' : duration(ms));
  return {
    heads: ['fault', 'times', 'failed', 'median', 'worst', 'unrecovered'],
    rows: accountFaults(faults).map((account) => [
      account.name,
      count(account.times),
      count(account.failed),
      orDash(account.medianRecoveryMs),
      orDash(account.worstRecoveryMs),
      count(account.unrecovered),
    ]),
  };
}

/** The most frequent cause first. */
export function deathsTable(deaths: ReadonlyMap<string, number>): Table {
  return {
    heads: ['cause', 'processes'],
    rows: [...deaths]
      .sort(([, one], [, other]) => other - one)
      .map(([cause, times]) => [cause, count(times)]),
  };
}
