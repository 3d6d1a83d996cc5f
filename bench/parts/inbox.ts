import { FULL, measureInbox, QUICK, type ClaimCosts } from '../inbox/measure';
import type { Figures, Part, Variant } from '../part';
import { curvePicture } from '../report/curves';
import type { PartResult } from '../report/results';
import { spreadOf } from '../report/statistics';
import type { Stage } from '../stage/stage';

interface InboxVariant extends Variant {
  readonly kind: 'v4' | 'v7';
  readonly rows: number;
}

const KINDS = [
  { kind: 'v4', words: 'random ids' },
  { kind: 'v7', words: 'time-ordered ids' },
] as const;
const SIZES = [
  { rows: 1_000_000, name: '1m', words: '1 million' },
  { rows: 10_000_000, name: '10m', words: '10 million' },
] as const;
/** Its one run alternates between the empty and the big table itself: filling it anew for each round would take all the time. */
const ROUNDS = { full: 1, quick: 1 };

/** A table of a million rows is filled in seconds. */
export const inbox = inboxOf('inbox', 'The inbox with a million rows', SIZES.slice(0, 1));

/** Ten million rows take longer to fill than any other part takes, twice. */
export const bigInbox: Part<InboxVariant> = {
  ...inboxOf('inbox-10m', 'The inbox with ten million rows', SIZES),
  picture: drawCosts,
};

function inboxOf(name: string, title: string, sizes: readonly (typeof SIZES)[number][]): Part<InboxVariant> {
  return {
    name,
    title,
    about:
      'What taking the inbox row of one message costs, in an empty table and in a big one that take turns, and while the retention takes rows out: alone in its transaction, or as one of a hundred.',
    measures: [
      { key: 'flat', label: 'alone: big against empty', better: 'less', digits: 2 },
      { key: 'flatPurging', label: 'alone: while purging against empty', better: 'less', digits: 2 },
      { key: 'flatHundred', label: 'of 100: big against empty', better: 'less', digits: 2 },
      { key: 'empty', label: 'alone, empty, µs', better: 'less', digits: 1 },
      { key: 'big', label: 'alone, big, µs', better: 'less', digits: 1 },
      { key: 'purging', label: 'alone, while purging, µs', better: 'less', digits: 1 },
    ],
    baseline: 'v7-1m',
    rounds: ROUNDS,
    variants: sizes.flatMap((size) =>
      KINDS.map((ids): InboxVariant => ({
        name: `${ids.kind}-${size.name}`,
        label: `${size.words} rows, ${ids.words}`,
        kind: ids.kind,
        rows: size.rows,
      })),
    ),
    targets: [],
    measure: costsOf,
  };
}

async function costsOf({ kind, rows }: InboxVariant, { databaseUrl, mode }: Stage): Promise<Figures> {
  const options = mode === 'full' ? FULL : QUICK;
  const sizes = mode === 'full' ? [rows] : [...QUICK.sizes];
  const [state] = await measureInbox(databaseUrl, { ...options, kinds: [kind], sizes });
  const [single, hundred] = (['single', 'hundred'] as const).map((of) =>
    state?.claims.find((costs) => costs.mode === of),
  );
  if (!single || !hundred) throw new Error('the inbox was not measured in both ways');
  const [empty, big, purging] = [
    medianOf(single, 'empty'),
    medianOf(single, 'big'),
    medianOf(single, 'purging'),
  ];
  const flatHundred = medianOf(hundred, 'big') / medianOf(hundred, 'empty');
  return { empty, big, purging, flat: big / empty, flatPurging: purging / empty, flatHundred };
}

function medianOf(costs: ClaimCosts, state: 'empty' | 'big' | 'purging'): number {
  const spread = spreadOf(costs[state].map(({ micros }) => micros));
  if (!spread) throw new Error(`the inbox was not measured ${state}`);
  return spread.median;
}

function drawCosts({ variants, command, at }: PartResult): string {
  const figure = (name: string, key: string) =>
    variants.find((variant) => variant.name === name)?.figures[key];
  return curvePicture({
    title: 'Cost of a message against the size of the inbox',
    words: 'µs for the inbox row, committed alone',
    along: 'rows in the inbox',
    places: ['empty', ...SIZES.map(({ words }) => words)],
    curves: KINDS.flatMap(({ kind, words }) => [
      {
        label: words,
        values: [figure(`${kind}-1m`, 'empty'), ...SIZES.map(({ name }) => figure(`${kind}-${name}`, 'big'))],
      },
      {
        label: `${words}, while purging`,
        values: [undefined, ...SIZES.map(({ name }) => figure(`${kind}-${name}`, 'purging'))],
      },
    ]),
    foot: `${command}, ${at.slice(0, 10)}`,
  });
}
