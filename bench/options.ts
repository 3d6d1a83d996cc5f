import { parseArgs } from 'node:util';

export interface Options {
  readonly help: boolean;
  readonly quick: boolean;
  /** Names of parts; empty: all. */
  readonly parts: readonly string[];
  /** Names of variants; empty: all. */
  readonly only: readonly string[];
  readonly rounds: number | undefined;
  readonly profile: boolean;
}

/** Parts and their variants that there are to choose from. */
export type Known = readonly {
  readonly name: string;
  readonly variants: readonly { readonly name: string }[];
}[];

/** @throws Error that names the option, what was given and what may be. */
export function readOptions(given: readonly string[], known: Known): Options {
  const { values } = parseArgs({
    args: [...given],
    options: {
      help: { type: 'boolean', short: 'h', default: false },
      quick: { type: 'boolean', default: false },
      part: { type: 'string', multiple: true, default: [] },
      only: { type: 'string', multiple: true, default: [] },
      rounds: { type: 'string' },
      profile: { type: 'boolean', default: false },
    },
  });
  const parts = listOf(values.part);
  const only = listOf(values.only);
  const names = known.map(({ name }) => name);
  refuseUnknown('part', parts, names);
  const chosen = known.filter(({ name }) => parts.length === 0 || parts.includes(name));
  refuseUnknown('only', only, [
    ...new Set(chosen.flatMap(({ variants }) => variants.map(({ name }) => name))),
  ]);
  const { help, quick, profile, rounds } = values;
  return { help, quick, profile, parts, only, rounds: rounds === undefined ? undefined : roundsOf(rounds) };
}

/** Only a run of whole parts is what docs/benchmarks.md shows. */
export function isWhole({ quick, only, rounds, profile }: Options): boolean {
  return !quick && !profile && only.length === 0 && rounds === undefined;
}

export function helpOf(known: Known): string {
  return [
    'npm run bench -- [options]',
    '',
    '  --part <name>       only this part; may be given again, or several with commas between',
    '  --only <variants>   only these variants of it, with commas between',
    '  --rounds <number>   more rounds, or fewer',
    '  --quick             fewer messages and rounds, to see that everything works',
    '  --profile           a CPU profile of each consuming process in .holdfast/profiles',
    '',
    'parts and their variants:',
    ...known.map(({ name, variants }) => `  ${name}: ${variants.map((variant) => variant.name).join(', ')}`),
  ].join('\n');
}

function listOf(given: readonly string[]): string[] {
  return given.flatMap((names) => names.split(',')).filter((name) => name !== '');
}

function refuseUnknown(option: string, given: readonly string[], known: readonly string[]): void {
  const unknown = given.filter((name) => !known.includes(name));
  if (unknown.length > 0)
    throw new Error(`--${option} ${unknown.join(', ')}: there is none; choose from ${known.join(', ')}`);
}

function roundsOf(given: string): number {
  const rounds = Number(given);
  if (!Number.isInteger(rounds) || rounds < 1)
    throw new Error(`--rounds ${given}: a whole number from 1 on is needed`);
  return rounds;
}
