import { delayAfter, exponential, longestPath, readRetryPolicy, type RetryPolicy } from './retry-schedule';

const delaysOf = (policy: RetryPolicy): (readonly number[])[] => [...readRetryPolicy(policy).lanes];

describe('readRetryPolicy', () => {
  it.each<[string, RetryPolicy, number, number[][]]>([
    ['a list is one try more than it is long', { delays: ['10s', '30s'] }, 3, [[10_000], [30_000]]],
    [
      'more attempts repeat the last delay',
      { delays: ['1s', '2s'], attempts: 4 },
      4,
      [[1_000], [2_000], [2_000]],
    ],
    ['a list with as many attempts as it makes', { delays: ['1s'], attempts: 2 }, 2, [[1_000]]],
    ['numbers are milliseconds', { delays: [250] }, 2, [[250]]],
    ['a fixed delay', { delay: '5s', attempts: 3 }, 3, [[5_000], [5_000]]],
    ['a single try', { delay: '5s', attempts: 1 }, 1, []],
    ['no retry at all', false, 1, []],
    [
      'exponential doubles unless told otherwise',
      exponential({ attempts: 4, initial: '1s' }),
      4,
      [[1_000], [2_000], [4_000]],
    ],
    [
      'a factor need not be whole',
      exponential({ attempts: 4, initial: '1s', factor: 1.5 }),
      4,
      [[1_000], [1_500], [2_250]],
    ],
    [
      'exponential stops growing at its ceiling',
      exponential({ attempts: 5, initial: '1s', max: '3s' }),
      5,
      [[1_000], [2_000], [3_000], [3_000]],
    ],
    [
      'a factor of one is a fixed delay',
      exponential({ attempts: 3, initial: '1s', factor: 1 }),
      3,
      [[1_000], [1_000]],
    ],
    ['jitter adds lanes above the delay', { delays: ['10s'], jitter: 0.3 }, 2, [[10_000, 11_500, 13_000]]],
    ['full jitter is at most twice the delay', { delays: ['10s'], jitter: 1 }, 2, [[10_000, 15_000, 20_000]]],
    [
      'lanes are rounded up to tenths of a second',
      { delays: ['1s'], jitter: 0.33 },
      2,
      [[1_000, 1_200, 1_400]],
    ],
    [
      'lanes below a second stay whole milliseconds',
      { delays: ['100ms'], jitter: 0.5 },
      2,
      [[100, 125, 150]],
    ],
    ['the delay itself is never rounded', { delays: [1_234], jitter: 0.1 }, 2, [[1_234, 1_300, 1_400]]],
  ])('%s', (_, policy, attempts, lanes) => {
    expect(readRetryPolicy(policy)).toEqual({ attempts, lanes });
  });

  it.each<[string, RetryPolicy, RegExp]>([
    ['an empty list', { delays: [], attempts: 3 }, /retry\.delays is empty.*or retry: false/],
    ['a delay of nothing', { delays: ['0s'] }, /at least 1ms.*immediateRetries/],
    ['no unit', { delays: ['10'] }, /"10" is not a duration/],
    ['a negative delay', { delay: '-1s', attempts: 2 }, /"-1s" is not a duration/],
    [
      'fewer attempts than delays',
      { delays: ['1s', '2s'], attempts: 2 },
      /retry\.attempts is 2, but retry\.delays has 2/,
    ],
    ['no attempt', { delay: '1s', attempts: 0 }, /retry\.attempts is 0.*from 1 to 100/],
    ['half an attempt', { delay: '1s', attempts: 1.5 }, /retry\.attempts is 1\.5/],
    ['too many attempts', { delay: '1s', attempts: 101 }, /retry\.attempts is 101/],
    ['jitter above one', { delays: ['1s'], jitter: 30 }, /retry\.jitter is 30; it must be from 0 to 1/],
    ['jitter that would shorten', { delays: ['1s'], jitter: -0.1 }, /retry\.jitter is -0\.1/],
    ['jitter that is no number', { delays: ['1s'], jitter: NaN }, /retry\.jitter is NaN/],
    ['a shrinking factor', exponential({ attempts: 3, initial: '1s', factor: 0.5 }), /retry\.factor is 0\.5/],
    [
      'a ceiling below the first delay',
      exponential({ attempts: 3, initial: '10s', max: '1s' }),
      /retry\.max \(1s\) is shorter than retry\.initial \(10s\)/,
    ],
    [
      'a first delay above the default ceiling',
      exponential({ attempts: 3, initial: '2h' }),
      /retry\.max.*1h.*2h/,
    ],
    [
      'a misspelt policy',
      { delay: '1s', attempt: 3 } as unknown as RetryPolicy,
      /retry has unknown keys attempt; beside delay it knows attempts, jitter/,
    ],
    ['both a list and a fixed delay', { delays: ['1s'], delay: '9s' }, /retry must be false, or have one of/],
    ['no policy', {} as unknown as RetryPolicy, /retry must be false/],
    ['true', true as unknown as RetryPolicy, /retry must be false/],
  ])('refuses %s', (_, policy, complaint) => {
    expect(() => readRetryPolicy(policy)).toThrow(complaint);
  });
});

describe('delayAfter', () => {
  const schedule = readRetryPolicy({ delays: ['10s', '60s'], jitter: 0.3 });

  it.each<[string, number, number, number | undefined]>([
    ['the first failure', 1, 0, 10_000],
    ['the first failure, unlucky', 1, 0.999, 13_000],
    ['the second failure', 2, 0, 60_000],
    ['the last try', 3, 0, undefined],
    ['a try beyond the last', 17, 0, undefined],
  ])('after %s', (_, attempt, random, expected) => {
    expect(delayAfter(schedule, attempt, () => random)).toBe(expected);
  });

  it('never shortens a delay, whatever the jitter draws', () => {
    for (const jitter of [0, 0.01, 0.3, 0.5, 1]) {
      const jittered = readRetryPolicy(exponential({ attempts: 8, initial: '700ms', max: '1m', jitter }));
      const exact = delaysOf(exponential({ attempts: 8, initial: '700ms', max: '1m' }));
      for (const [i, [least = 0]] of exact.entries()) {
        for (const random of [0, 0.34, 0.5, 0.67, 0.9999]) {
          const delay = delayAfter(jittered, i + 1, () => random) ?? 0;
          expect(delay).toBeGreaterThanOrEqual(least);
          expect(delay).toBeLessThanOrEqual(least * (1 + jitter) + 100);
        }
      }
    }
  });
});

describe('longestPath', () => {
  it.each<[string, RetryPolicy, number]>([
    ['nothing without retries', false, 0],
    ['the sum of the delays', { delays: ['10s', '30s', '60s'] }, 100_000],
    ['with the most that jitter adds', { delays: ['10s', '20s'], jitter: 0.5 }, 45_000],
    ['with repeated delays', { delays: ['1d'], attempts: 11 }, 864_000_000],
  ])('%s', (_, policy, ms) => {
    expect(longestPath(readRetryPolicy(policy))).toBe(ms);
  });

  it('takes what a rule waits for every delay that is shorter', () => {
    expect(longestPath(readRetryPolicy({ delays: ['10s', '90s'] }), 60_000)).toBe(150_000);
  });
});
