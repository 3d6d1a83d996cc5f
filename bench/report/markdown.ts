import { count } from '../../drawing/figures';
import type { Measure } from '../part';
import { isReached, type PartResult, type Results, type TargetResult, type VariantResult } from './results';
import type { Spread } from './statistics';

/** The pictures that a page shows: their folder, relative to it, and the parts that have one. */
export interface Pictures {
  readonly folder: string;
  readonly drawn: readonly string[];
}

export function toMarkdown({ parts }: Results, pictures?: Pictures): string {
  return parts.map((part) => partMarkdown(part, pictures)).join('\n\n');
}

/** Ratios first, because only they travel to other machines. */
function partMarkdown(part: PartResult, pictures: Pictures | undefined): string {
  const { title, about, rounds, baseline, variants, measures } = part;
  const heads = ['variant', '× baseline', ...measures.map(({ label }) => label)];
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  return [
    `### ${title}`,
    about,
    `Made by \`${part.command}\` on ${part.at.slice(0, 10)}: ${part.machine}. ` +
      `${counted(rounds, 'round')}, medians (min–max); × ${labelOf(part, baseline)}.`,
    ...(pictures?.drawn.includes(part.name)
      ? [`![${title}](${pictures.folder}/bench-${part.name}.svg)`]
      : []),
    [
      line(heads),
      line(heads.map((_, column) => (column === 0 ? '---' : '---:'))),
      ...variants.map((variant) => line(rowOf(variant, measures))),
    ].join('\n'),
    list(part.targets.map((target) => targetItem(part, target))),
    list(
      variants.flatMap(({ label, failure }) =>
        failure === undefined ? [] : [`**FAILED**: ${label}: ${failure.replaceAll(/\s+/g, ' ')}`],
      ),
    ),
  ]
    .filter((block) => block !== '')
    .join('\n\n');
}

/** One line on a target, for the terminal as well. */
export function targetItem(part: PartResult, target: TargetResult): string {
  const key = target.measure ?? part.measures[0].key;
  const measure = part.measures.find((candidate) => candidate.key === key)?.label ?? key;
  const aim = 'atLeast' in target ? `at least ${target.atLeast} ×` : `at most ${target.atMost} ×`;
  const found = target.reached ? `${ratioText(target.reached.median)} ×` : 'not measured';
  const verdict = isReached(target) ? 'reached' : 'NOT reached';
  return `${labelOf(part, target.variant)} against ${labelOf(part, target.against)}, ${measure}: **${found}**, ${aim} is the aim: **${verdict}**.`;
}

function rowOf({ label, ratio, figures, failure }: VariantResult, measures: readonly Measure[]): string[] {
  return [
    failure === undefined ? label : `${label} (failed)`,
    spreadText(ratio, ratioText),
    ...measures.map(({ key, digits = 0 }) =>
      spreadText(figures[key], (value) => (digits === 0 ? count(value) : value.toFixed(digits))),
    ),
  ];
}

function labelOf({ variants }: PartResult, name: string): string {
  return variants.find((variant) => variant.name === name)?.label ?? name;
}

function spreadText(spread: Spread | undefined, text: (value: number) => string): string {
  return spread ? `${text(spread.median)} (${text(spread.min)}–${text(spread.max)})` : '–';
}

function list(items: readonly string[]): string {
  return items.map((item) => `- ${item}`).join('\n');
}

function counted(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`;
}

const ratioText = (ratio: number): string => ratio.toFixed(2);
