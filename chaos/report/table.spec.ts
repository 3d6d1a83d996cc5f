import type { Report } from './journal';
import { faultOf, journalOf, kindOf, steadySamples } from './made-up';
import { summary } from './table';

const REPORT: Report = {
  journal: journalOf({
    samples: steadySamples(1_200, 40),
    faults: [
      faultOf({ to: 12_000, recoveredMs: 2_100 }),
      faultOf({ name: 'broker: disk alarm', to: 12_000, failure: 'the node does not answer' }),
    ],
    left: [{ name: 'broker: partition', why: 'only with --cluster' }],
    deaths: new Map([
      ['out of memory', 1],
      ['SIGKILL', 31],
    ]),
  }),
  kinds: [
    kindOf('transactional', { confirmed: 48_000, effects: 48_000 }),
    kindOf('plain', { confirmed: 1_200, effects: 1_209, repeated: 9 }),
  ],
  verdicts: [
    { rule: 'every effect happened exactly once', passed: true, detail: '48 000 effects', violations: [] },
    {
      rule: 'no message is lost',
      passed: false,
      detail: '1 has neither an effect nor a dead letter nor a discard, and lies in no queue of the broker',
      violations: ['transactional-7\n  03:12.041 confirmed\n  03:12.060 replica-2 killed', 'plain-1'],
    },
  ],
};

describe('the summary of a run', () => {
  it('is for people to read', () => {
    expect(summary(REPORT, 84)).toBe(`What became of the messages

  kind           confirmed  effects  dead letters  discarded  lost  doubled  repeated
  transactional     48 000   48 000             0          0     0        0         0
  plain              1 200    1 209             0          0     0        0         9
  total             49 200   49 209             0          0     0        0         9

Faults: 2, of which 1 could not be done, left out: 1

  Median and worst recovery: from the end of a fault until every replica was ready
  with all its consumers.

  fault               times  failed  median  worst  unrecovered
  broker: disk alarm      1       1       -      -            0
  broker: kill -9         1       0   2.1 s  2.1 s            0
  could not be done: broker: disk alarm, at 00:10: the node does not answer
  left out: broker: partition: only with --cluster

Processes that ended

  cause          processes
  SIGKILL               31
  out of memory          1

Verdicts: 2 rules, 1 VIOLATED

  ok        every effect happened exactly once
              48 000 effects
  VIOLATED  no message is lost
              1 has neither an effect nor a dead letter nor a discard, and lies in
              no queue of the broker

Violations

  no message is lost
    transactional-7
      03:12.041 confirmed
      03:12.060 replica-2 killed
    plain-1

lost 0, doubled 0
to repeat this run: npm run chaos -- --seed 41
`);
  });

  it('counts over all kinds what is lost and doubled', () => {
    const kinds = [kindOf('a', { lost: 1_200, doubled: 1 }), kindOf('b', { lost: 34, doubled: 2 })];
    expect(summary({ ...REPORT, kinds }, 80)).toContain('\nlost 1 234, doubled 3\n');
  });

  it('leaves out what did not happen', () => {
    const quiet = summary({ journal: journalOf(), kinds: [], verdicts: [] }, 80);
    expect(quiet).not.toMatch(/Faults|Processes|Violations/);
    expect(quiet).toMatch(/\nlost 0, doubled 0\nto repeat this run: npm run chaos -- --seed 41\n$/);
  });

  it('keeps to the width, except for histories', () => {
    const long = (text: string): string => `${text} `.repeat(20).trim();
    const report: Report = {
      journal: journalOf({
        faults: [faultOf({ to: 11_000, failure: long('refused') }), faultOf({ name: long('wire') })],
        left: [{ name: 'partition', why: long('cluster') }],
      }),
      kinds: [],
      verdicts: [{ rule: long('rule'), passed: true, detail: long('detail'), violations: [] }],
    };
    const lines = summary(report, 78).split('\n').slice(0, -2);
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(78);
    expect(lines.join('\n')).toContain('wire wire wire wire wire wire ... ');
  });

  it('uses ASCII and no colours', () => {
    expect(summary(REPORT, 80)).toMatch(/^[\n\x20-\x7e]*$/);
  });
});
