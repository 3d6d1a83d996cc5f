import { findAll, readXml, type XmlElement } from '../../drawing/read-xml';
import { barPicture } from './bars';
import { curvePicture } from './curves';
import { MADE_UP, resultWith, runsOf } from './made-up';

const textsOf = (svg: XmlElement): string[] => findAll(svg, 'text').map(({ text }) => text);
/** Without the paper. */
const barsOf = (svg: XmlElement): number[] =>
  findAll(svg, 'rect')
    .slice(1)
    .map(({ attributes: { width } }) => Number(width));

describe('the bars of a part', () => {
  const draw = (runs: Parameters<typeof resultWith>[0], part = MADE_UP): XmlElement =>
    readXml(barPicture(resultWith(runs, part)));
  const peer = runsOf({ perSecond: 1_000 });

  it('are as long as the medians, and say them with their ratio', () => {
    const svg = draw({ peer, ours: runsOf({ perSecond: 2_500 }) });
    const [peerBar, ourBar] = barsOf(svg);
    expect(ourBar! / peerBar!).toBeCloseTo(2.5, 1);
    expect(textsOf(svg)).toEqual(expect.arrayContaining(['a peer', '2 500  (2.50 ×)', '1 000  (1.00 ×)']));
  });

  it('leave out what failed, and can be drawn of nothing', () => {
    const failed = { figures: [undefined], failure: 'round 1: away' };
    expect(barsOf(draw({ peer, ours: failed }))).toHaveLength(1);
    expect(barsOf(draw({ peer: failed, ours: failed }))).toHaveLength(0);
  });

  it('begin to the right of the longest label, bold as it is', () => {
    const label = 'Holdfast, shared commit, `ctx.sql.query(…)`';
    const svg = draw(
      { peer, ours: peer },
      {
        ...MADE_UP,
        variants: [
          { name: 'peer', label: 'a' },
          { name: 'ours', label, isHoldfast: true },
        ],
      },
    );
    // At 13 px, DejaVu Sans Bold takes some 8 px a letter.
    expect(Number(findAll(svg, 'rect')[1]?.attributes['x'])).toBeGreaterThan(8 * (label.length - 2));
  });

  it('stay within the paper with the longest label', () => {
    const label = 'W'.repeat(34);
    const svg = draw(
      { peer, ours: runsOf({ perSecond: 9_999 }) },
      {
        ...MADE_UP,
        variants: [
          { name: 'peer', label },
          { name: 'ours', label: 'Holdfast' },
        ],
      },
    );
    const width = Number(svg.attributes['width']);
    for (const { attributes } of findAll(svg, 'rect').slice(1)) {
      expect(Number(attributes['width'])).toBeGreaterThan(0);
      expect(Number(attributes['x']) + Number(attributes['width'])).toBeLessThan(width);
    }
  });

  it('are words where a label looks like markup', () => {
    const svg = draw(
      { peer, ours: peer },
      {
        ...MADE_UP,
        title: '<script>&',
        variants: [
          { name: 'peer', label: '</text><script/>' },
          { name: 'ours', label: '"\'&' },
        ],
      },
    );
    expect(findAll(svg, 'script')).toEqual([]);
    expect(textsOf(svg)).toEqual(expect.arrayContaining(['<script>&', '</text><script/>', '"\'&']));
  });
});

describe('the curves', () => {
  const flat = (value: number): { median: number; min: number; max: number } => ({
    median: value,
    min: value * 0.9,
    max: value * 1.1,
  });
  const draw = (curves: Parameters<typeof curvePicture>[0]['curves']): XmlElement =>
    readXml(
      curvePicture({
        title: 'Cost against size',
        words: 'µs/message',
        along: 'rows',
        places: ['0', '1 million', '10 million'],
        curves,
        foot: 'npm run bench',
      }),
    );

  it('have a line, a legend and a point for each value that there is', () => {
    const svg = draw([
      { label: 'random ids', values: [flat(200), flat(210), flat(300)] },
      { label: 'time-ordered ids', values: [flat(200), undefined, flat(205)] },
    ]);
    expect(findAll(svg, 'path')).toHaveLength(2);
    expect(findAll(svg, 'circle')).toHaveLength(5);
    expect(textsOf(svg)).toEqual(expect.arrayContaining(['random ids', 'time-ordered ids', '10 million']));
  });

  it('begin at zero, so that what looks flat is flat', () => {
    const svg = draw([{ label: 'one', values: [flat(100), flat(130), flat(100)] }]);
    const [low, high] = findAll(svg, 'circle').map(({ attributes: { cy } }) => Number(cy));
    const zero = Math.max(...findAll(svg, 'line').map(({ attributes: { y2 } }) => Number(y2 ?? 0)));
    expect((zero - high!) / (zero - low!)).toBeCloseTo(1.3, 2);
  });

  it.each([[[]], [[{ label: 'none', values: [undefined] }]], [[{ label: 'zero', values: [flat(0)] }]]])(
    'can be drawn of %j',
    (curves) => {
      expect(draw(curves).name).toBe('svg');
    },
  );
});
