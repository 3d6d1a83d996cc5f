import * as fc from 'fast-check';
import type { Journal, Sample } from './journal';
import { faultOf, journalOf, steadySamples } from './made-up';
import { plotSvg } from './plot';
import { findAll, readXml, type XmlElement } from '../../drawing/read-xml';

const MINUTE = 60_000;
const HOSTILE = `</text><script>alert("1")</script>&amp;]]>'--><!-- \u0000\u001b[31m \ud800 \uffff`;

const draw = (given: Partial<Journal>): XmlElement => readXml(plotSvg(journalOf(given)));
const textsOf = (svg: XmlElement): string[] => findAll(svg, 'text').map(({ text }) => text);
const tooltipsOf = (svg: XmlElement): string[] =>
  findAll(svg, 'g').flatMap((group) =>
    group.children.filter(({ name }) => name === 'title').map(({ text }) => text),
  );
/** The closed paths: stretches of the backlog. */
const areasOf = (svg: XmlElement): string[] =>
  findAll(svg, 'path').flatMap(({ attributes: { d = '' } }) => (d.endsWith('Z') ? [d] : []));

const withBacklog = (samples: readonly Sample[], backlog: (at: number) => number | undefined): Sample[] =>
  samples.map((sample) => ({ ...sample, backlog: backlog(sample.at) }));

describe('the plot of a run', () => {
  it.each([
    ['nothing at all', {}],
    ['one sample', { samples: steadySamples(0, 100) }],
    ['a backlog that is never known', { samples: withBacklog(steadySamples(60, 9), () => undefined) }],
    ['a fault that lasts', { samples: steadySamples(60, 9), faults: [faultOf()] }],
    ['a fault in a lane of its own', { samples: steadySamples(60, 9), faults: [faultOf({ lane: 'moon' })] }],
    ['three hours', { samples: steadySamples(3 * 3_600, 1_000) }],
  ])('can be drawn of %s', (_, given) => {
    const svg = draw(given);
    expect(svg.name).toBe('svg');
    expect(plotSvg(journalOf(given))).not.toMatch(/NaN|Infinity|undefined/);
  });

  it('needs nothing else, and runs nothing', () => {
    const svg = draw({ samples: steadySamples(60, 9), faults: [faultOf({ to: 12_000, recoveredMs: 500 })] });
    for (const name of ['script', 'style', 'image', 'use', 'foreignObject', 'a'])
      expect(findAll(svg, name)).toEqual([]);
  });

  it('says what is to be said in titles, and names of faults are words there and nothing else', () => {
    const svg = draw({
      command: HOSTILE,
      samples: steadySamples(60, 9),
      faults: [faultOf({ name: HOSTILE, lane: HOSTILE, detail: HOSTILE, failure: HOSTILE, to: 12_000 })],
    });
    expect(findAll(svg, 'script')).toEqual([]);
    expect(tooltipsOf(svg)[0]).toContain('</text><script>alert("1")</script>&amp;]]>\'--><!-- ');
  });

  it('is well-formed whatever faults are called', () => {
    const words = fc.string({ unit: 'binary', maxLength: 30 });
    fc.assert(
      fc.property(words, words, words, (name, lane, detail) => {
        const svg = draw({ command: detail, faults: [faultOf({ name, lane, detail, to: 12_000 })] });
        expect(tooltipsOf(svg)).toHaveLength(1);
      }),
      { numRuns: 40 },
    );
  });

  it('has a tooltip for every fault, with its detail, its time and its recovery', () => {
    const svg = draw({
      samples: steadySamples(60, 9),
      faults: [
        faultOf({ detail: 'killed after 3 s', to: 12_000, recoveredMs: 2_100 }),
        faultOf({ name: 'disk alarm', to: 12_000, failure: 'not ours' }),
      ],
    });
    expect(tooltipsOf(svg)).toEqual([
      'broker: kill -9\nkilled after 3 s\n00:10 to 00:12 (2.0 s), all well again after 2.1 s',
      'disk alarm\ncould not be done: not ours\n00:10 to 00:12 (2.0 s)',
    ]);
  });

  it('keeps every tooltip where there is no room for every name', () => {
    const faults = Array.from({ length: 300 }, (_, index) =>
      faultOf({ from: index * 1_000, to: index * 1_000 + 500, recoveredMs: 100 }),
    );
    const svg = draw({ samples: steadySamples(300, 9), faults });
    const names = textsOf(svg).filter((text) => text === 'broker: kill -9');
    expect(tooltipsOf(svg)).toHaveLength(300);
    expect(names.length).toBeGreaterThan(10);
    expect(names.length).toBeLessThan(100);
  });

  it('names no fault by what its lane says already', () => {
    const faults = ['replica: kill -9', 'broker: kill -9'].map((name) => faultOf({ name, lane: 'replica' }));
    const texts = textsOf(draw({ samples: steadySamples(60, 9), faults }));
    expect(texts).toContain('kill -9');
    expect(texts).toContain('broker: kill -9');
  });

  it('shortens a name that no lane has room for', () => {
    const name = 'wire: answers lost '.repeat(20);
    const svg = draw({
      samples: steadySamples(60, 9),
      faults: [faultOf({ name, from: 59_000, to: 60_000 })],
    });
    const label = findAll(svg, 'text').find(({ text }) => text.startsWith('wire'));
    expect(label?.text).toHaveLength(60);
    expect(Number(label?.attributes.x)).toBeGreaterThan(0);
    expect(tooltipsOf(svg)[0]).toContain(name.trim());
  });

  it('puts faults where they happened on the axis of the chart', () => {
    const svg = draw({
      samples: steadySamples(600, 9),
      faults: [faultOf({ from: 5 * MINUTE, to: 6 * MINUTE, recoveredMs: MINUTE })],
    });
    const xOf = (label: string): number =>
      Number(findAll(svg, 'text').find(({ text }) => text === label)?.attributes.x);
    const group = findAll(svg, 'g').find(({ children }) => children[0]?.name === 'title')!;
    const [band, recovery] = findAll(group, 'rect').map(({ attributes: { x, width } }) => [
      Number(x),
      Number((Number(x) + Number(width)).toFixed(1)),
    ]);
    expect(band).toEqual([xOf('05:00'), xOf('06:00')]);
    expect(recovery).toEqual([xOf('06:00'), xOf('07:00')]);
  });

  it('leaves a gap where the backlog is not known, and marks it', () => {
    const known = withBacklog(steadySamples(60, 9), () => 50);
    const gaping = withBacklog(steadySamples(60, 9), (at) => (at > 20_000 && at < 30_000 ? undefined : 50));
    expect(areasOf(draw({ samples: known }))).toHaveLength(1);
    expect(textsOf(draw({ samples: known }))).not.toContain('backlog unknown');
    expect(areasOf(draw({ samples: gaping }))).toHaveLength(2);
    expect(textsOf(draw({ samples: gaping }))).toContain('backlog unknown');
  });

  it('loses no peak of the backlog among the samples of hours', () => {
    const samples = withBacklog(steadySamples(3 * 3_600, 100), (at) => (at === 5_000_000 ? 80_000 : 10));
    const svg = draw({ samples });
    expect(textsOf(svg)).toContain('80 000');
    // The top of the chart, which is where 80 000 lies.
    const top = Math.min(...findAll(svg, 'line').map(({ attributes: { y1 } }) => Number(y1 ?? Infinity)));
    expect(areasOf(svg)[0]).toContain(` ${top.toFixed(1)}L`);
  });

  it('says which run it is, and how to repeat it', () => {
    const texts = textsOf(
      draw({
        samples: steadySamples(1_200, 40),
        faults: [faultOf({ to: 12_000 })],
        deaths: new Map([
          ['SIGKILL', 3],
          ['out of memory', 1],
        ]),
      }),
    );
    expect(texts).toContain('Chaos run with seed 41');
    expect(texts).toContain(
      '2026-11-23 20:04 UTC  ·  20:00  ·  48 000 confirmed  ·  48 000 settled  ·  1 fault  ·  4 processes ended',
    );
    expect(texts).toContain('npm run chaos -- --seed 41');
  });
});
