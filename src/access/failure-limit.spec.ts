import { FailureLimit } from './failure-limit';

describe('FailureLimit', () => {
  let now = 0;
  let limit: FailureLimit;
  const fail = (address: string, times: number): void => {
    for (let i = 0; i < times; i++) limit.add(address);
  };

  beforeEach(() => {
    now = 1_000;
    limit = new FailureLimit(() => now);
  });

  it('lets ten failures pass and makes the source wait from then on', () => {
    fail('10.0.0.1', 9);
    expect(limit.secondsToWait('10.0.0.1')).toBe(0);
    fail('10.0.0.1', 1);
    expect(limit.secondsToWait('10.0.0.1')).toBe(60);
  });

  it('forgets a minute after the first failure', () => {
    fail('10.0.0.1', 1);
    now += 30_000;
    fail('10.0.0.1', 9);
    expect(limit.secondsToWait('10.0.0.1')).toBe(30);
    now += 30_000;
    expect(limit.secondsToWait('10.0.0.1')).toBe(0);
    fail('10.0.0.1', 1);
    expect(limit.secondsToWait('10.0.0.1')).toBe(0);
  });

  it.each([
    ['10.0.0.1', '10.0.0.2', false],
    ['10.0.0.1', '::ffff:10.0.0.1', true],
    ['2001:db8:1:2::1', '2001:db8:1:2:ffff::9', true],
    ['2001:db8:1:2::1', '2001:db8:1:3::1', false],
    ['fe80::1%eth0', 'fe80::2%eth0', true],
    ['::1', '::2', true],
    ['2001:db8::1', '2001:db8:0:0:5::', true],
  ])('%s and %s are one source: %s', (failing, other, same) => {
    fail(failing, 10);
    expect(limit.secondsToWait(other) > 0).toBe(same);
  });

  it('remembers a bounded number of sources, the latest ones', () => {
    for (let i = 0; i < 20_000; i++)
      fail(`10.${String(i >> 16)}.${String((i >> 8) & 255)}.${String(i & 255)}`, 10);
    expect(limit.secondsToWait('10.0.0.0')).toBe(0);
    expect(limit.secondsToWait('10.0.78.31')).toBeGreaterThan(0);
    expect((limit as unknown as { failures: Map<string, unknown> }).failures.size).toBe(10_000);
  });
});
