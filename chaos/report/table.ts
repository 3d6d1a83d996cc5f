import { failuresOf } from './fault-account';
import { count, counted, printable } from '../../drawing/figures';
import type { Journal, Report, Verdict } from './journal';
import { textTable, wrap } from './text-table';
import type { Table } from './tables';
import { deathsTable, faultsTable, messagesTable, RECOVERY_NOTE, totalsOf } from './tables';

const INDENT = '  ';
/** As wide as `VIOLATED` and a gap. */
const VERDICT_WIDTH = 10;
/** Below this, wrapped sentences are harder to read than long lines. */
const LEAST_WIDTH = 40;

/**
 * The end of a run, for people: accounts, verdicts, violations, and how to repeat it. Our own words are ASCII.
 * @param width in characters; sentences are wrapped to it, histories of messages are not.
 */
export function summary(report: Report, width: number): string {
  const { journal, kinds, verdicts } = report;
  const inner = Math.max(LEAST_WIDTH, width) - INDENT.length;
  const { lost, doubled } = totalsOf(kinds);
  const sections = [
    section('What became of the messages', tableLines(messagesTable(kinds), inner)),
    section(faultsTitle(journal), [
      ...(journal.faults.length > 0 ? [...wrap(RECOVERY_NOTE, inner), ''] : []),
      ...tableLines(faultsTable(journal.faults), inner),
      ...failuresOf(journal.faults).flatMap((failure) => hanging('could not be done: ', failure, inner)),
      ...journal.left.flatMap(({ name, why }) => hanging('left out: ', `${name}: ${why}`, inner)),
    ]),
    section('Processes that ended', tableLines(deathsTable(journal.deaths), inner)),
    section(
      verdictsTitle(verdicts),
      verdicts.flatMap((verdict) => verdictLines(verdict, inner)),
    ),
    section('Violations', verdicts.filter(({ violations }) => violations.length > 0).flatMap(violationLines)),
    [`lost ${count(lost)}, doubled ${count(doubled)}`, `to repeat this run: ${journal.command}`],
  ];
  return sections
    .filter((lines) => lines.length > 0)
    .map((lines) => `${lines.join('\n')}\n`)
    .join('\n');
}

export function faultsTitle({ faults, left }: Journal): string {
  const failed = faults.filter(({ failure }) => failure !== undefined).length;
  return [
    `Faults: ${count(faults.length)}`,
    ...(failed > 0 ? [`of which ${count(failed)} could not be done`] : []),
    ...(left.length > 0 ? [`left out: ${count(left.length)}`] : []),
  ].join(', ');
}

export function verdictsTitle(verdicts: readonly Verdict[]): string {
  const violated = verdicts.filter(({ passed }) => !passed).length;
  const rules = counted(verdicts.length, 'rule');
  return violated === 0 ? `Verdicts: ${rules}, all kept` : `Verdicts: ${rules}, ${violated} VIOLATED`;
}

function section(title: string, lines: readonly string[]): string[] {
  return lines.length === 0 ? [] : [title, '', ...lines.map((line) => `${INDENT}${line}`.trimEnd())];
}

function tableLines(table: Table, width: number): string[] {
  return table.rows.length === 0 ? [] : textTable(table, width);
}

function verdictLines({ passed, rule, detail }: Verdict, width: number): string[] {
  const verdict = (passed ? 'ok' : 'VIOLATED').padEnd(VERDICT_WIDTH);
  const margin = ' '.repeat(VERDICT_WIDTH);
  return [
    ...hanging(verdict, rule, width),
    ...wrap(detail, width - VERDICT_WIDTH - INDENT.length).map((line) => `${margin}${INDENT}${line}`),
  ];
}

/** Whole: a history that is cut short cannot be followed. */
function violationLines({ rule, violations }: Verdict, index: number): string[] {
  return [
    ...(index > 0 ? [''] : []),
    rule,
    ...violations.flatMap((violation) =>
      printable(violation)
        .split('\n')
        .map((line) => `${INDENT}${line}`),
    ),
  ];
}

/** The first line begins with the mark, the others below its text. */
function hanging(mark: string, text: string, width: number): string[] {
  const lines = wrap(text, width - mark.length);
  return (lines.length > 0 ? lines : ['']).map(
    (line, index) => (index === 0 ? mark : ' '.repeat(mark.length)) + line,
  );
}
