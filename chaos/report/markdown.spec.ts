import type { Report } from './journal';
import { faultOf, journalOf, kindOf, steadySamples } from './made-up';
import { reportJson, reportMarkdown } from './markdown';

const REPORT: Report = {
  journal: journalOf({
    samples: steadySamples(1_200, 40),
    faults: [faultOf({ to: 12_000, recoveredMs: 2_100, detail: 'killed' })],
    left: [{ name: 'broker: partition', why: 'only with --cluster' }],
    deaths: new Map([['SIGKILL', 31]]),
  }),
  kinds: [kindOf('transactional', { confirmed: 48_000, effects: 47_999, lost: 1 })],
  verdicts: [
    { rule: 'every effect happened once', passed: true, detail: '48 000 effects', violations: [] },
    { rule: 'no message is lost', passed: false, detail: '', violations: ['transactional-7\n  confirmed'] },
  ],
};

describe('the report as Markdown', () => {
  it('says the same as the table', () => {
    expect(reportMarkdown(REPORT, { plotPath: 'chaos.svg' })).toBe(
      `Made by \`npm run chaos -- --seed 41\` on 2026-11-23, seed 41, 20:00: **lost 1, doubled 0**.

![Throughput, backlog and faults over the run](<chaos.svg>)

### What became of the messages

| kind | confirmed | effects | dead letters | discarded | lost | doubled | repeated |
| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |
| transactional | 48 000 | 47 999 | 0 | 0 | 1 | 0 | 0 |
| total | 48 000 | 47 999 | 0 | 0 | 1 | 0 | 0 |

### Faults: 1, left out: 1

Median and worst recovery: from the end of a fault until every replica was ready with all its consumers.

| fault | times | failed | median | worst | unrecovered |
| --- | ---: | ---: | ---: | ---: | ---: |
| broker: kill -9 | 1 | 0 | 2.1 s | 2.1 s | 0 |

- Left out: broker: partition: only with --cluster

### Processes that ended

| cause | processes |
| --- | ---: |
| SIGKILL | 31 |

### Verdicts: 2 rules, 1 VIOLATED

- ok: every effect happened once (48 000 effects)
- **VIOLATED**: no message is lost

### Violations

no message is lost:

\`\`\`text
transactional-7
  confirmed
\`\`\``,
    );
  });

  it('lets nothing from outside become markup', () => {
    const markdown = reportMarkdown(
      {
        journal: journalOf({
          command: 'npm run chaos -- --only=`|`',
          faults: [faultOf({ name: 'a|b\n# <b>*c*</b> [d](e)' })],
        }),
        kinds: [],
        verdicts: [{ rule: 'r', passed: false, detail: '<i>', violations: ['```\n# not a heading\n````'] }],
      },
      { plotPath: 'a b>.svg' },
    );
    expect(markdown).toContain('Made by `` npm run chaos -- --only=`|` ``');
    expect(markdown).toContain('](<a%20b%3E.svg>)');
    expect(markdown).toContain('\n| a\\|b # &lt;b&gt;\\*c\\*&lt;/b&gt; \\[d\\](e) | 1 |');
    expect(markdown).toContain('**VIOLATED**: r (&lt;i&gt;)');
    expect(markdown).toContain('`````text\n```\n# not a heading\n````\n`````');
  });

  it('goes without a picture', () => {
    expect(reportMarkdown(REPORT, {})).not.toContain('![');
  });
});

describe('the report as JSON', () => {
  it('holds everything a run wrote down, and what follows from it', () => {
    const { journal, kinds, verdicts } = REPORT;
    expect(JSON.parse(reportJson(REPORT))).toEqual({
      seed: 41,
      command: journal.command,
      startedAt: '2026-11-23T20:04:11.000Z',
      passed: false,
      verdicts,
      kinds,
      totals: {
        confirmed: 48_000,
        effects: 47_999,
        deadLetters: 0,
        discarded: 0,
        lost: 1,
        doubled: 0,
        repeated: 0,
      },
      faultsByName: [
        {
          name: 'broker: kill -9',
          lane: 'surroundings',
          times: 1,
          failed: 0,
          medianRecoveryMs: 2_100,
          worstRecoveryMs: 2_100,
          unrecovered: 0,
        },
      ],
      deaths: { SIGKILL: 31 },
      left: journal.left,
      faults: journal.faults,
      samples: journal.samples,
    });
  });

  it('passes when every rule was kept', () => {
    const verdicts = REPORT.verdicts.slice(0, 1);
    expect(JSON.parse(reportJson({ ...REPORT, verdicts }))).toMatchObject({ passed: true });
  });
});
