import { Rounds } from './rounds';

const PACE = { everyMs: 60_000, soonMs: 2_000 };

describe('Rounds', () => {
  let work: jest.Mock<Promise<boolean>>;
  let rounds: Rounds;
  const pass = (ms: number): Promise<void> => jest.advanceTimersByTimeAsync(ms);

  beforeEach(() => {
    jest.useFakeTimers();
    work = jest.fn(() => Promise.resolve(false));
    rounds = new Rounds(work, PACE, () => 0);
  });
  afterEach(async () => {
    await rounds.stop();
    expect(jest.getTimerCount()).toBe(0);
    jest.useRealTimers();
  });

  it('begin soon and go on every minute', async () => {
    rounds.begin();
    await pass(1_999);
    expect(work).toHaveBeenCalledTimes(0);
    await pass(1);
    expect(work).toHaveBeenCalledTimes(1);
    await pass(59_999);
    expect(work).toHaveBeenCalledTimes(1);
    await pass(1);
    expect(work).toHaveBeenCalledTimes(2);
    await pass(600_000);
    expect(work).toHaveBeenCalledTimes(12);
  });

  it('come soon as long as that is wanted, but not for ever', async () => {
    work.mockResolvedValue(true);
    rounds.begin();
    await pass(22_000);
    expect(work).toHaveBeenCalledTimes(11);
    await pass(59_999);
    expect(work).toHaveBeenCalledTimes(11);
    rounds.begin();
    await pass(22_000);
    expect(work).toHaveBeenCalledTimes(22);
  });

  it('are never two at once', async () => {
    let end: (again: boolean) => void = () => undefined;
    work.mockImplementation(() => new Promise((resolve) => (end = resolve)));
    const [one, other] = [rounds.run(), rounds.run()];
    rounds.begin();
    await pass(600_000);
    expect(work).toHaveBeenCalledTimes(1);
    end(false);
    await Promise.all([one, other]);
    await pass(60_000);
    expect(work).toHaveBeenCalledTimes(2);
    end(false);
  });

  it('spread over the last tenth of a minute, so that replicas do not stay together', async () => {
    rounds = new Rounds(work, PACE, () => 0.5);
    await rounds.run();
    await pass(56_999);
    expect(work).toHaveBeenCalledTimes(1);
    await pass(1);
    expect(work).toHaveBeenCalledTimes(2);
  });

  it('end for good, and the end waits for the round under way', async () => {
    let end: (again: boolean) => void = () => undefined;
    work.mockImplementation(() => new Promise((resolve) => (end = resolve)));
    void rounds.run();
    let isStopped = false;
    const stopping = rounds.stop().then(() => (isStopped = true));
    await pass(0);
    expect(isStopped).toBe(false);
    end(true);
    await stopping;
    rounds.begin();
    await pass(600_000);
    expect(work).toHaveBeenCalledTimes(1);
  });
});
