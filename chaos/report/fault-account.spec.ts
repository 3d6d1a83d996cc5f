import { accountFaults, courseOf, failuresOf } from './fault-account';
import { faultOf } from './made-up';

describe('the account of the faults', () => {
  it('gathers them by lane and name, with median and worst recovery', () => {
    const kill = { name: 'kill', lane: 'replica', to: 11_000 };
    const account = accountFaults([
      faultOf({ name: 'restart', to: 12_000, recoveredMs: 500 }),
      faultOf({ ...kill, recoveredMs: 3_000 }),
      faultOf({ ...kill, recoveredMs: 1_000 }),
      faultOf({ ...kill }),
      faultOf({ ...kill, failure: 'no such process' }),
      faultOf({ name: 'kill', lane: 'replica' }),
    ]);
    expect(account).toEqual([
      {
        name: 'kill',
        lane: 'replica',
        times: 5,
        failed: 1,
        medianRecoveryMs: 2_000,
        worstRecoveryMs: 3_000,
        unrecovered: 1,
      },
      {
        name: 'restart',
        lane: 'surroundings',
        times: 1,
        failed: 0,
        medianRecoveryMs: 500,
        worstRecoveryMs: 500,
        unrecovered: 0,
      },
    ]);
  });

  it.each([
    ['lasts', {}, '00:10 to the end of the run'],
    ['recovered', { to: 12_000, recoveredMs: 300 }, '00:10 to 00:12 (2.0 s), all well again after 0.3 s'],
    ['not recovered', { to: 12_000 }, '00:10 to 00:12 (2.0 s), no recovery seen'],
    ['failed', { to: 12_000, failure: 'gone' }, '00:10 to 00:12 (2.0 s)'],
  ])('tells the course of one that %s', (_, fault, course) => {
    expect(courseOf(faultOf(fault))).toBe(course);
  });

  it('keeps a failure short, and in one line', () => {
    const [line] = failuresOf([faultOf({ failure: `\x1b[1mrefused\n${'usage '.repeat(200)}` })]);
    expect(line).toMatch(/^broker: kill -9, at 00:10: refused usage [usage ]*\.\.\.$/);
    expect(line?.length).toBeLessThan(350);
  });

  it('says the same failure once, with all its times', () => {
    expect(
      failuresOf([
        faultOf({ name: 'a', from: 1_000, failure: 'gone' }),
        faultOf({ name: 'b', from: 2_000, failure: 'gone' }),
        faultOf({ name: 'a', from: 65_000, failure: 'gone' }),
        faultOf({ name: 'a', from: 3_000, failure: 'refused' }),
        faultOf({ name: 'a', from: 4_000 }),
      ]),
    ).toEqual(['a, 2 times, at 00:01, 01:05: gone', 'b, at 00:02: gone', 'a, at 00:03: refused']);
  });
});
