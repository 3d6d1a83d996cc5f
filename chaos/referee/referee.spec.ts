import type { Sample } from '../report/journal';
import { busiestWindow } from './history';
import { judgeBacklog } from './referee';

describe('judgeBacklog', () => {
  const samples = (...backlogs: (number | undefined)[]): Sample[] =>
    backlogs.map((backlog, second) => ({
      at: second * 10_000,
      confirmed: 0,
      settled: 0,
      backlog,
      ready: 3,
    }));

  it.each<[string, Sample[], boolean]>([
    ['a backlog that shrinks', samples(900, 800, 700, 600), true],
    ['one that grows', samples(900, 950, 1_000, 1_100), false],
    ['one that stands still', samples(900, 900, 900, 900), false],
    ['an empty one', samples(0, 0, 0, 0), true],
    ['one that is empty before the time is up', samples(900, 0), true],
    ['one that was unknown at first', samples(undefined, 800, 700, 600, 500), true],
  ])('judges %s', (_, all, passed) => {
    expect(judgeBacklog(all, 0).passed).toBe(passed);
  });
});

describe('busiestWindow', () => {
  it.each<[string, number[], number]>([
    ['nothing', [], 0],
    ['once a second', Array.from({ length: 60 }, (_, second) => second * 1_000 + 1), 11],
    ['ten times a second', Array.from({ length: 300 }, (_, tenth) => tenth * 100 + 1), 101],
    ['a burst among calm', [1, 100_000, 100_001, 100_002, 200_000], 3],
  ])('counts %s', (_, times, most) => {
    expect(busiestWindow(times)).toBe(most);
  });
});
