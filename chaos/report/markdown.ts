import { accountFaults, failuresOf } from './fault-account';
import { clock, count, printable } from '../../drawing/figures';
import type { Journal, Report, Verdict } from './journal';
import { faultsTitle, verdictsTitle } from './table';
import type { Table } from './tables';
import { deathsTable, faultsTable, messagesTable, RECOVERY_NOTE, totalsOf } from './tables';

/**
 * The table at the end as a piece of a page: headings begin at the third level.
 * @param plotPath of the picture, relative to the page.
 */
export function reportMarkdown(
  { journal, kinds, verdicts }: Report,
  { plotPath }: { readonly plotPath?: string },
): string {
  const { lost, doubled } = totalsOf(kinds);
  return [
    `Made by ${code(journal.command)} on ${journal.startedAt.toISOString().slice(0, 10)}, ` +
      `seed ${journal.seed}, ${clock(lengthOf(journal))}: **lost ${count(lost)}, doubled ${count(doubled)}**.`,
    ...(plotPath === undefined
      ? []
      : [`![Throughput, backlog and faults over the run](<${encodeURI(plotPath)}>)`]),
    ...section('What became of the messages', [markdownTable(messagesTable(kinds))]),
    ...section(faultsTitle(journal), [
      journal.faults.length > 0 ? RECOVERY_NOTE : '',
      markdownTable(faultsTable(journal.faults)),
      list(failuresOf(journal.faults).map((failure) => `Could not be done: ${plain(failure)}`)),
      list(journal.left.map(({ name, why }) => `Left out: ${plain(name)}: ${plain(why)}`)),
    ]),
    ...section('Processes that ended', [markdownTable(deathsTable(journal.deaths))]),
    ...section(verdictsTitle(verdicts), [list(verdicts.map(verdictItem))]),
    ...section('Violations', verdicts.flatMap(violationBlocks)),
  ].join('\n\n');
}

/** Everything a run wrote down and everything derived from it, as one line of JSON; times in milliseconds since the run began. */
export function reportJson({ journal, kinds, verdicts }: Report): string {
  const { seed, command, startedAt, samples, faults, left, deaths } = journal;
  return `${JSON.stringify({
    seed,
    command,
    startedAt: startedAt.toISOString(),
    passed: verdicts.every(({ passed }) => passed),
    verdicts,
    kinds,
    totals: totalsOf(kinds),
    faultsByName: accountFaults(faults),
    deaths: Object.fromEntries(deaths),
    left,
    faults,
    samples,
  })}\n`;
}

function lengthOf({ samples }: Journal): number {
  return samples.at(-1)?.at ?? 0;
}

function section(title: string, blocks: readonly string[]): string[] {
  const filled = blocks.filter((block) => block !== '');
  return filled.length === 0 ? [] : [`### ${title}`, ...filled];
}

function markdownTable({ heads, rows }: Table): string {
  if (rows.length === 0) return '';
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  return [
    line(heads),
    line(heads.map((_, column) => (column === 0 ? '---' : '---:'))),
    ...rows.map(([words = '', ...figures]) => line([plain(words), ...figures])),
  ].join('\n');
}

function verdictItem({ passed, rule, detail }: Verdict): string {
  return `${passed ? 'ok' : '**VIOLATED**'}: ${plain(rule)}${detail === '' ? '' : ` (${plain(detail)})`}`;
}

function violationBlocks({ rule, violations }: Verdict): string[] {
  if (violations.length === 0) return [];
  return [`${plain(rule)}:`, ...violations.map((violation) => fenced(printable(violation)))];
}

function list(items: readonly string[]): string {
  return items.map((item) => `- ${item}`).join('\n');
}

/** One line in which nothing is markup: not HTML, not emphasis, not the end of a table's cell. */
function plain(text: string): string {
  return text
    .replaceAll(/\s+/g, ' ')
    .replaceAll(/[\\`*_[\]|~]/g, '\\$&')
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;');
}

function code(text: string): string {
  const fence = '`'.repeat(longestRun(text) + 1);
  return fence.length === 1 ? `\`${text}\`` : `${fence} ${text} ${fence}`;
}

function fenced(text: string): string {
  const fence = '`'.repeat(Math.max(3, longestRun(text) + 1));
  return `${fence}text\n${text}\n${fence}`;
}

/** How many backticks stand together in it at most. */
function longestRun(text: string): number {
  return Math.max(0, ...[...text.matchAll(/`+/g)].map(([run]) => run.length));
}
