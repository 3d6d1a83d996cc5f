import { MADE_UP, ORIGIN, resultWith, runsOf } from './made-up';
import { isReached, merged } from './results';

const PEER = runsOf({ perSecond: 1_000, micros: 100 }, { perSecond: 500, micros: 200 });

describe('the result of a part', () => {
  it('compares round by round with the baseline', () => {
    const { variants, rounds } = resultWith({
      peer: PEER,
      ours: runsOf({ perSecond: 3_000, micros: 30 }, { perSecond: 1_000, micros: 100 }),
    });
    expect(rounds).toBe(2);
    expect(variants.map(({ name, ratio }) => [name, ratio?.min, ratio?.median, ratio?.max])).toEqual([
      ['peer', 1, 1, 1],
      ['ours', 2, 2.5, 3],
    ]);
    expect(variants[1]?.figures['micros']).toEqual({ median: 65, min: 30, max: 100 });
  });

  it.each([
    ['reached', { perSecond: 2_000, micros: 40 }, [true, true]],
    ['missed by throughput', { perSecond: 1_999, micros: 40 }, [false, true]],
    ['missed by cost', { perSecond: 2_000, micros: 41 }, [true, false]],
  ])('says which targets are %s', (_, figures, expected) => {
    const { targets } = resultWith({
      peer: runsOf({ perSecond: 1_000, micros: 100 }),
      ours: runsOf(figures),
    });
    expect(targets.map((target) => isReached(target))).toEqual(expected);
  });

  it('keeps what a variant yielded before it failed, and the others whole', () => {
    const { variants, targets } = resultWith({
      peer: PEER,
      ours: { figures: [{ perSecond: 2_000, micros: 40 }, undefined], failure: 'round 2: lost one' },
    });
    expect(variants.map(({ name, failure }) => [name, failure])).toEqual([
      ['peer', undefined],
      ['ours', 'round 2: lost one'],
    ]);
    expect(variants[1]?.ratio?.median).toBe(2);
    expect(targets[0]?.reached?.median).toBe(2);
  });

  it('has no ratio, and no target reached, where the baseline failed at once', () => {
    const { variants, targets } = resultWith({
      peer: { figures: [undefined], failure: 'round 1: away' },
      ours: runsOf({ perSecond: 2_000, micros: 40 }),
    });
    expect(variants.map(({ ratio }) => ratio)).toEqual([undefined, undefined]);
    expect(targets.map((target) => isReached(target))).toEqual([false, false]);
  });

  it('leaves out targets of variants that were not measured, and measures that a variant does not have', () => {
    const { variants, targets } = resultWith({ ours: runsOf({ perSecond: 2_000 }) });
    expect(targets).toEqual([]);
    expect(variants.map(({ figures }) => Object.keys(figures))).toEqual([['perSecond']]);
  });

  it('replaces what is known of a part, and keeps the others in the order of the page', () => {
    const part = (name: string, command: string): ReturnType<typeof resultWith> => ({
      ...resultWith({ peer: PEER }, { ...MADE_UP, name }),
      ...ORIGIN,
      command,
    });
    const kept = { parts: [part('gone', 'old'), part('b', 'old'), part('a', 'old')] };
    const { parts } = merged(kept, [part('b', 'new')], ['a', 'b', 'c']);
    expect(parts.map(({ name, command }) => [name, command])).toEqual([
      ['a', 'old'],
      ['b', 'new'],
    ]);
  });
});
