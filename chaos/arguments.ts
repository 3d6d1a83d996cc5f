import { randomInt } from 'node:crypto';
import { parseArgs } from 'node:util';

/** What was asked for on the command line. */
export interface ChaosArguments {
  /** Nothing else counts: print `HELP` and leave. */
  readonly help: boolean;
  readonly mode: 'quick' | 'standard' | 'soak';
  /** How long faults and traffic last; settling and the checks come on top. */
  readonly durationMs: number;
  /** From 0 to 2^32 - 1. */
  readonly seed: number;
  readonly cluster: boolean;
  /** Only faults with one of these texts in their names; empty for all. */
  readonly only: readonly string[];
  /** No fault with one of these texts in its name. */
  readonly without: readonly string[];
  readonly faults: boolean;
  /** Keep servers and files afterwards. */
  readonly keep: boolean;
  readonly replicas: number;
  /** The folder for report, plot and histories; undefined for the usual one. */
  readonly out: string | undefined;
}

/** The command line is wrong; the message says what mends it, in one line. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

export const HELP = `npm run chaos -- [options]

Runs several replicas of the service under real traffic against a RabbitMQ and a
Postgres of its own, breaks processes, wires, broker and database as a seed decides,
and then holds every message that the broker confirmed against what became of it.
Exit code 0: every rule was kept; 1: one was violated; 2: the command line is wrong.

How long
  (nothing)            20 minutes; longer where a million messages take longer
  --quick              about 3 minutes, with shorter faults
  --minutes <number>   this many minutes, e.g. --minutes 45
  --soak [duration]    for hours, e.g. --soak 90m or --soak 8h; 3h unless given

What happens
  --seed <number>      as in an earlier run, to repeat it; otherwise drawn, and printed
  --replicas <number>  processes of the service, 1 to 20; 3 unless given
  --cluster            a RabbitMQ cluster of three nodes instead of one server
  --only <text>        only faults with this text in their names; may be repeated
  --without <text>     no fault with this text in its name; may be repeated
  --no-faults          traffic alone: what the run looks like when nothing breaks

Afterwards
  --out <folder>       for report, plot and histories; a new one in
                       .holdfast/chaos-runs unless given
  --keep               leave servers and files as they are, to look into them
  --help               this text

Examples
  npm run chaos -- --quick --seed 7
  npm run chaos -- --only 'broker:' --without partition --minutes 5
`;

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

const QUICK_MS = 2 * MINUTE + 15 * SECOND;
export const STANDARD_MS = 20 * MINUTE;
const SOAK = '3h';
const LONGEST_MS = 30 * DAY;
const REPLICAS = 3;
const MOST_REPLICAS = 20;
const SEEDS = 2 ** 32;

const OPTIONS = {
  quick: { type: 'boolean' },
  soak: { type: 'string' },
  minutes: { type: 'string' },
  seed: { type: 'string' },
  cluster: { type: 'boolean' },
  only: { type: 'string', multiple: true },
  without: { type: 'string', multiple: true },
  'no-faults': { type: 'boolean' },
  keep: { type: 'boolean' },
  replicas: { type: 'string' },
  out: { type: 'string' },
  help: { type: 'boolean', short: 'h' },
} as const;

type OptionName = keyof typeof OPTIONS;

/** What was given, checked for form and not yet for meaning. */
class Given {
  private readonly values = new Map<OptionName, string[]>();

  has(name: OptionName): boolean {
    return this.values.has(name);
  }

  all(name: OptionName): readonly string[] {
    return this.values.get(name) ?? [];
  }

  value(name: OptionName): string | undefined {
    return this.values.get(name)?.[0];
  }

  add(name: OptionName, value: string | undefined): void {
    this.checkForm(name, value);
    this.values.set(name, [...this.all(name), value ?? '']);
  }

  private checkForm(name: OptionName, value: string | undefined): void {
    const option = OPTIONS[name];
    if (option.type === 'boolean' && value !== undefined) {
      throw new UsageError(`--${name} takes no value, and was given ${quoted(value)}; leave it out`);
    }
    if (option.type === 'string' && (value === undefined || value.trim() === '')) {
      throw new UsageError(`--${name} needs a value; see --help`);
    }
    if (this.has(name) && !('multiple' in option)) {
      throw new UsageError(`--${name} is given more than once; leave one of them`);
    }
  }
}

/**
 * Reads what follows `npm run chaos --`. Without `--seed` it draws one.
 * @throws UsageError
 */
export function readArguments(argv: readonly string[]): ChaosArguments {
  const given = read(argv);
  refuseTogether(given, ['quick', 'soak', 'minutes']);
  refuseTogether(given, ['no-faults', 'only']);
  refuseTogether(given, ['no-faults', 'without']);
  return {
    help: given.has('help'),
    ...readLength(given),
    seed: readWhole(given, 'seed', 0, SEEDS - 1) ?? randomInt(SEEDS),
    cluster: given.has('cluster'),
    only: given.all('only'),
    without: given.all('without'),
    faults: !given.has('no-faults'),
    keep: given.has('keep'),
    replicas: readWhole(given, 'replicas', 1, MOST_REPLICAS) ?? REPLICAS,
    out: given.value('out'),
  };
}

/** The command that makes the same run once more. What only matters afterwards, `--keep` and `--out`, is no part of it. */
export function repeatCommand(run: ChaosArguments): string {
  return [
    'npm run chaos --',
    `--seed ${run.seed}`,
    ...lengthOptions(run),
    ...(run.replicas === REPLICAS ? [] : [`--replicas ${run.replicas}`]),
    ...(run.cluster ? ['--cluster'] : []),
    ...run.only.map((text) => `--only=${shellWord(text)}`),
    ...run.without.map((text) => `--without=${shellWord(text)}`),
    ...(run.faults ? [] : ['--no-faults']),
  ].join(' ');
}

function read(argv: readonly string[]): Given {
  const { tokens } = parseArgs({
    args: joinSoak(argv),
    options: OPTIONS,
    allowPositionals: true,
    strict: false,
    tokens: true,
  });
  const given = new Given();
  const help = tokens.find((token) => token.kind === 'option' && token.name === 'help');
  // Whoever asks for help gets it, whatever else is wrong.
  for (const token of help ? [help] : tokens) {
    if (token.kind === 'positional') {
      throw new UsageError(
        `${quoted(token.value)} belongs to no option; options follow a -- of their own, as in: npm run chaos -- --seed 7`,
      );
    }
    if (token.kind === 'option-terminator') continue;
    if (!isOption(token.name)) {
      throw new UsageError(`${token.rawName} is no option; see --help`);
    }
    if (token.inlineValue === false && token.value.startsWith('--')) {
      throw new UsageError(`--${token.name} needs a value, and ${token.value} follows it; see --help`);
    }
    given.add(token.name, token.value);
  }
  return given;
}

/** `--soak` may stand without a value, which parseArgs does not know of an option that takes one. */
function joinSoak(argv: readonly string[]): string[] {
  const joined: string[] = [];
  for (let index = 0; index < argv.length; index++) {
    const next = argv[index + 1];
    const word = argv[index] ?? '';
    if (word !== '--soak') joined.push(word);
    else if (next === undefined || next.startsWith('-')) joined.push(`--soak=${SOAK}`);
    else {
      joined.push(`--soak=${next}`);
      index++;
    }
  }
  return joined;
}

function isOption(name: string): name is OptionName {
  return Object.hasOwn(OPTIONS, name);
}

function refuseTogether(given: Given, names: readonly OptionName[]): void {
  const [one, other] = names.filter((name) => given.has(name));
  if (one !== undefined && other !== undefined) {
    throw new UsageError(`--${one} and --${other} contradict each other; leave one of them`);
  }
}

function readLength(given: Given): Pick<ChaosArguments, 'mode' | 'durationMs'> {
  if (given.has('quick')) return { mode: 'quick', durationMs: QUICK_MS };
  const soak = given.value('soak');
  if (soak !== undefined) return { mode: 'soak', durationMs: readDuration(soak) };
  const minutes = given.value('minutes');
  return { mode: 'standard', durationMs: minutes === undefined ? STANDARD_MS : readMinutes(minutes) };
}

/** `90m`, `3h`, `1h30m`, `2d` */
function readDuration(text: string): number {
  const match = /^(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?$/.exec(text);
  const ms = [DAY, HOUR, MINUTE, SECOND].reduce(
    (sum, unit, index) => sum + Number(match?.[index + 1] ?? 0) * unit,
    0,
  );
  if (ms > 0 && ms <= LONGEST_MS) return ms;
  throw new UsageError(
    `--soak takes a duration of at most 30 days, e.g. 90m, 3h or 1h30m; ${quoted(text)} is none`,
  );
}

function readMinutes(text: string): number {
  const ms = /^\d+(\.\d+)?$/.test(text) ? Math.round(Number(text) * MINUTE) : NaN;
  if (ms >= SECOND && ms <= LONGEST_MS) return ms;
  throw new UsageError(
    `--minutes takes a number, e.g. 45 or 0.5, at most ${LONGEST_MS / MINUTE}; ${quoted(text)} is none`,
  );
}

function readWhole(given: Given, name: OptionName, least: number, most: number): number | undefined {
  const text = given.value(name);
  if (text === undefined) return undefined;
  const number = /^\d+$/.test(text) ? Number(text) : NaN;
  if (number >= least && number <= most) return number;
  throw new UsageError(`--${name} takes a whole number from ${least} to ${most}; ${quoted(text)} is none`);
}

function lengthOptions({ mode, durationMs }: ChaosArguments): string[] {
  switch (mode) {
    case 'quick':
      return ['--quick'];
    case 'soak':
      return [`--soak ${durationText(durationMs)}`];
    case 'standard':
      return durationMs === STANDARD_MS ? [] : [`--minutes ${durationMs / MINUTE}`];
  }
}

/** The largest unit it is a whole number of: 5400000 → `90m`. */
function durationText(ms: number): string {
  if (ms % HOUR === 0) return `${ms / HOUR}h`;
  return ms % MINUTE === 0 ? `${ms / MINUTE}m` : `${ms / SECOND}s`;
}

/** As one word for a POSIX shell. */
function shellWord(text: string): string {
  return /^[\w.,:/-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}

function quoted(text: string): string {
  return JSON.stringify(text);
}
