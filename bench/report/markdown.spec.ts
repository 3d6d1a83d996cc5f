import { resultWith, runsOf } from './made-up';
import { toMarkdown } from './markdown';
import { withResults } from './page';

const RESULT = resultWith({
  peer: runsOf({ perSecond: 1_000, micros: 100 }, { perSecond: 2_000, micros: 110 }),
  ours: runsOf({ perSecond: 3_000, micros: 50 }, { perSecond: 5_000, micros: 44 }),
});

describe('the report', () => {
  it('is a table with the command that made it, and a line for each target', () => {
    expect(toMarkdown({ parts: [RESULT] }, { folder: 'images', drawn: ['made-up'] })).toBe(
      [
        '### A part that is made up',
        'Nothing is measured.',
        'Made by `npm run bench -- --part made-up` on 2026-11-25: 2 cores. 2 rounds, medians (min–max); × a `peer`.',
        '![A part that is made up](images/bench-made-up.svg)',
        [
          '| variant | × baseline | messages/s | µs/message |',
          '| --- | ---: | ---: | ---: |',
          '| a `peer` | 1.00 (1.00–1.00) | 1 500 (1 000–2 000) | 105.0 (100.0–110.0) |',
          '| Holdfast | 2.75 (2.50–3.00) | 4 000 (3 000–5 000) | 47.0 (44.0–50.0) |',
        ].join('\n'),
        [
          '- Holdfast against a `peer`, messages/s: **2.75 ×**, at least 2 × is the aim: **reached**.',
          '- Holdfast against a `peer`, µs/message: **0.45 ×**, at most 0.4 × is the aim: **NOT reached**.',
        ].join('\n'),
      ].join('\n\n'),
    );
  });

  it('shows no picture of a part that has none', () => {
    expect(toMarkdown({ parts: [RESULT] }, { folder: 'images', drawn: ['other'] })).not.toContain('![');
  });

  it('says which variant failed and why, on one line, beside the results of the others', () => {
    const markdown = toMarkdown({
      parts: [
        resultWith({
          peer: runsOf({ perSecond: 1_000, micros: 100 }),
          ours: { figures: [undefined], failure: 'round 1: 3 effects\nof 2 messages' },
        }),
      ],
    });
    expect(markdown).toContain('| a `peer` | 1.00 (1.00–1.00) |');
    expect(markdown).toContain('| Holdfast (failed) | – | – | – |');
    expect(markdown).toContain('- **FAILED**: Holdfast: round 1: 3 effects of 2 messages');
    expect(markdown).toContain('**not measured**, at least 2 × is the aim: **NOT reached**');
  });
});

describe('the page', () => {
  it('gets the results between its marks, again and again, and keeps the rest', () => {
    const page = 'before\n<!-- bench: begin -->\nold\n<!-- bench: end -->\nafter';
    const once = withResults(page, 'new');
    expect(once).toMatch(/^before\n<!-- bench: begin -->\n.*\n\nnew\n\n.*\n<!-- bench: end -->\nafter$/);
    expect(withResults(once, 'new')).toBe(once);
  });

  it.each(['no marks', '<!-- bench: end --><!-- bench: begin -->', '<!-- bench: begin -->'])(
    'is refused without them: %s',
    (page) => {
      expect(() => withResults(page, 'new')).toThrow('to write into');
    },
  );
});
