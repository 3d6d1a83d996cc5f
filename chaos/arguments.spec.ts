import { execFileSync } from 'node:child_process';
import * as fc from 'fast-check';
import { HELP, readArguments, repeatCommand, UsageError, type ChaosArguments } from './arguments';

const MINUTE = 60_000;
const USUAL: ChaosArguments = {
  help: false,
  mode: 'standard',
  durationMs: 20 * MINUTE,
  seed: 7,
  cluster: false,
  only: [],
  without: [],
  faults: true,
  keep: false,
  replicas: 3,
  out: undefined,
};

const words = (line: string): string[] => line.split(' ').filter((word) => word !== '');

describe('the arguments of a chaos run', () => {
  it.each<[string, Partial<ChaosArguments>]>([
    ['', {}],
    ['--quick', { mode: 'quick', durationMs: 135_000 }],
    ['--minutes 45', { durationMs: 45 * MINUTE }],
    ['--minutes=0.5', { durationMs: 30_000 }],
    ['--soak', { mode: 'soak', durationMs: 180 * MINUTE }],
    ['--soak --cluster', { mode: 'soak', durationMs: 180 * MINUTE, cluster: true }],
    ['--soak 90m', { mode: 'soak', durationMs: 90 * MINUTE }],
    ['--soak=1h30m', { mode: 'soak', durationMs: 90 * MINUTE }],
    ['--soak 2d', { mode: 'soak', durationMs: 48 * 60 * MINUTE }],
    ['--only broker: --only kill', { only: ['broker:', 'kill'] }],
    ['--without=wire', { without: ['wire'] }],
    ['--no-faults', { faults: false }],
    ['--keep --replicas 5 --out there', { keep: true, replicas: 5, out: 'there' }],
  ])('reads "%s"', (line, expected) => {
    expect(readArguments(['--seed', '7', ...words(line)])).toEqual({ ...USUAL, ...expected });
  });

  it.each([0, 2 ** 32 - 1])('takes %d as a seed', (seed) => {
    expect(readArguments(['--seed', String(seed)]).seed).toBe(seed);
  });

  it('draws a seed where none is given, another one each time', () => {
    const seeds = Array.from({ length: 5 }, () => readArguments([]).seed);
    expect(new Set(seeds).size).toBeGreaterThan(1);
    for (const seed of seeds) expect(readArguments(['--seed', String(seed)]).seed).toBe(seed);
  });

  it.each([
    ['--sed 7', '--sed is no option; see --help'],
    ['-q', '-q is no option; see --help'],
    ['7', '"7" belongs to no option; options follow a -- of their own, as in: npm run chaos -- --seed 7'],
    ['--seed', '--seed needs a value; see --help'],
    ['--seed --quick', '--seed needs a value, and --quick follows it; see --help'],
    ['--seed x', '--seed takes a whole number from 0 to 4294967295; "x" is none'],
    ['--seed=-1', '--seed takes a whole number from 0 to 4294967295; "-1" is none'],
    ['--seed 4294967296', '--seed takes a whole number from 0 to 4294967295; "4294967296" is none'],
    ['--seed 1 --seed 2', '--seed is given more than once; leave one of them'],
    ['--replicas 0', '--replicas takes a whole number from 1 to 20; "0" is none'],
    ['--replicas 2.5', '--replicas takes a whole number from 1 to 20; "2.5" is none'],
    ['--minutes 0', '--minutes takes a number, e.g. 45 or 0.5, at most 43200; "0" is none'],
    ['--minutes 1e3', '--minutes takes a number, e.g. 45 or 0.5, at most 43200; "1e3" is none'],
    ['--minutes 99999', '--minutes takes a number, e.g. 45 or 0.5, at most 43200; "99999" is none'],
    ['--soak 3', '--soak takes a duration of at most 30 days, e.g. 90m, 3h or 1h30m; "3" is none'],
    ['--soak 0h', '--soak takes a duration of at most 30 days, e.g. 90m, 3h or 1h30m; "0h" is none'],
    ['--soak 31d', '--soak takes a duration of at most 30 days, e.g. 90m, 3h or 1h30m; "31d" is none'],
    ['--soak=', '--soak needs a value; see --help'],
    ['--quick=yes', '--quick takes no value, and was given "yes"; leave it out'],
    ['--only=', '--only needs a value; see --help'],
    ['--quick --soak', '--quick and --soak contradict each other; leave one of them'],
    ['--minutes 5 --soak 3h', '--soak and --minutes contradict each other; leave one of them'],
    ['--no-faults --only kill', '--no-faults and --only contradict each other; leave one of them'],
    ['--without x --no-faults', '--no-faults and --without contradict each other; leave one of them'],
  ])('refuses "%s" in one line', (line, message) => {
    expect(() => readArguments(words(line))).toThrow(new UsageError(message));
  });

  it('gives help to whoever asks for it, whatever else is wrong', () => {
    expect(readArguments(['--sed', '--help', 'x']).help).toBe(true);
    expect(readArguments(['-h']).help).toBe(true);
  });

  it('explains every option, in lines that a terminal does not wrap', () => {
    for (const option of words(
      'quick minutes soak seed replicas cluster only without no-faults out keep help',
    ))
      expect(HELP).toContain(`\n  --${option} `);
    expect(Math.max(...HELP.split('\n').map((line) => line.length))).toBeLessThanOrEqual(90);
  });
});

describe('the command that repeats a run', () => {
  it.each<[Partial<ChaosArguments>, string]>([
    [{}, 'npm run chaos -- --seed 7'],
    [{ mode: 'quick', durationMs: 135_000 }, 'npm run chaos -- --seed 7 --quick'],
    [{ mode: 'soak', durationMs: 180 * MINUTE }, 'npm run chaos -- --seed 7 --soak 3h'],
    [{ mode: 'soak', durationMs: 90 * MINUTE }, 'npm run chaos -- --seed 7 --soak 90m'],
    [{ mode: 'soak', durationMs: 90_000 }, 'npm run chaos -- --seed 7 --soak 90s'],
    [{ durationMs: 7.5 * MINUTE }, 'npm run chaos -- --seed 7 --minutes 7.5'],
    [{ replicas: 5, cluster: true }, 'npm run chaos -- --seed 7 --replicas 5 --cluster'],
    [
      { only: ['broker: kill', 'wire'], without: ["it's"] },
      `npm run chaos -- --seed 7 --only='broker: kill' --only=wire --without='it'\\''s'`,
    ],
    [{ faults: false }, 'npm run chaos -- --seed 7 --no-faults'],
    [{ keep: true, out: 'there' }, 'npm run chaos -- --seed 7'],
  ])('of %j', (args, command) => {
    expect(repeatCommand({ ...USUAL, ...args })).toBe(command);
  });

  it('is read back as the same run, by way of a shell', () => {
    const text = fc
      .string({ unit: 'grapheme', minLength: 1, maxLength: 12 })
      .filter((name) => /^[^\0]*\S[^\0]*$/.test(name));
    const length = fc.oneof(
      fc.constant({ mode: 'quick' as const, durationMs: 135_000 }),
      fc
        .integer({ min: 1, max: 2_592_000 })
        .map((seconds) => ({ mode: 'soak' as const, durationMs: seconds * 1_000 })),
      fc
        .integer({ min: 1_000, max: 2_592_000_000 })
        .map((durationMs) => ({ mode: 'standard' as const, durationMs })),
    );
    const run = fc.record({
      length,
      seed: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
      cluster: fc.boolean(),
      only: fc.array(text, { maxLength: 3 }),
      without: fc.array(text, { maxLength: 3 }),
      replicas: fc.integer({ min: 1, max: 20 }),
    });
    fc.assert(
      fc.property(run, ({ length: { mode, durationMs }, ...given }) => {
        const args: ChaosArguments = { ...USUAL, ...given, mode, durationMs };
        expect(readArguments(shellWords(repeatCommand(args)))).toEqual(args);
      }),
      { numRuns: 50 },
    );
  });
});

/** What a shell passes on after `npm run chaos --`. */
function shellWords(command: string): string[] {
  const script = `${command.replace('npm run chaos --', 'set --')}; printf '%s\\0' "$@"`;
  return execFileSync('sh', ['-c', script], { encoding: 'utf8' }).split('\0').slice(0, -1);
}
