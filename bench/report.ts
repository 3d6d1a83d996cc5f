import { readFileSync, writeFileSync } from 'node:fs';
import type { PartResult, Results } from './results';
import type { Spread } from './statistics';

const BEGIN = '<!-- bench: begin -->';
const END = '<!-- bench: end -->';

/** The results as Markdown: ratios first, because only they travel to other machines. */
export function toMarkdown({ command, at, machine, parts }: Results): string {
  return [
    `Made by \`${command}\` on ${at.slice(0, 10)}: ${machine}.`,
    ...parts.map((part) => partMarkdown(part)),
  ].join('\n\n');
}

/** Puts the results between the two marks of a page. @throws Error when it has none. */
export function writeIntoPage(path: string, results: Results): void {
  const page = readFileSync(path, 'utf8');
  const begin = page.indexOf(BEGIN);
  const end = page.indexOf(END);
  if (begin === -1 || end < begin) throw new Error(`${path} has no "${BEGIN}" … "${END}" to write into`);
  const table = `${BEGIN}\n<!-- prettier-ignore-start -->\n\n${toMarkdown(results)}\n\n<!-- prettier-ignore-end -->\n${END}`;
  writeFileSync(path, page.slice(0, begin) + table + page.slice(end + END.length));
}

function partMarkdown({ title, baseline, messages, rounds, variants, targets }: PartResult): string {
  const against = variants.find(({ name }) => name === baseline)?.label ?? baseline;
  const label = new Map(variants.map((variant) => [variant.name, variant.label]));
  return [
    `### ${title}`,
    '',
    `${count(messages)} messages a run, ${rounds} rounds, medians (min–max); × ${against}.`,
    '',
    '| variant | × baseline | messages/s | client CPU µs/message |',
    '|---|---|---|---|',
    ...variants.map(
      ({ label: name, ratio, perSecond, clientMicros }) =>
        `| ${name} | ${spread(ratio, ratioText)} | ${spread(perSecond, count)} | ${spread(clientMicros, (micros) => micros.toFixed(1))} |`,
    ),
    '',
    ...targets.map(({ variant, against: other, atLeast, reached }) => {
      const verdict = reached.median >= atLeast ? 'reached' : 'NOT reached';
      return `- ${label.get(variant)!} against ${label.get(other)!}: **${ratioText(reached.median)} ×**, at least ${atLeast} × is the aim: ${verdict}.`;
    }),
  ].join('\n');
}

const spread = ({ median, min, max }: Spread, text: (value: number) => string): string =>
  `${text(median)} (${text(min)}–${text(max)})`;

const ratioText = (ratio: number): string => ratio.toFixed(2);

const count = (number: number): string => Math.round(number).toLocaleString('en-US').replaceAll(',', ' ');
