import { HandlerTimeoutError } from '../message/message.module';
import { InFlight, type UnderWay } from './in-flight';

class Delivery implements UnderWay {
  endsAt = Infinity;
  place = -1;
  readonly reasons: unknown[] = [];

  abort(reason: unknown): void {
    this.reasons.push(reason);
  }
}

function entered(inFlight: InFlight, count: number): Delivery[] {
  const all = Array.from({ length: count }, () => new Delivery());
  for (const one of all) inFlight.enter(one);
  return all;
}

describe('InFlight', () => {
  beforeEach(() => jest.useFakeTimers());
  afterEach(() => jest.useRealTimers());

  it('ends each when its own time is up, and nobody before', () => {
    const inFlight = new InFlight(1_000);
    const [early, late] = entered(inFlight, 2) as [Delivery, Delivery];
    inFlight.startClock(early);
    jest.advanceTimersByTime(400);
    inFlight.startClock(late);
    jest.advanceTimersByTime(599);
    expect([early.reasons, late.reasons]).toEqual([[], []]);
    jest.advanceTimersByTime(2);
    expect(early.reasons).toEqual([expect.any(HandlerTimeoutError)]);
    jest.advanceTimersByTime(398);
    expect(late.reasons).toEqual([]);
    jest.advanceTimersByTime(2);
    expect(late.reasons).toEqual([expect.any(HandlerTimeoutError)]);
    jest.advanceTimersByTime(10_000);
    expect([early.reasons.length, late.reasons.length]).toEqual([1, 1]);
  });

  it('gives whoever starts again the whole time again', () => {
    const inFlight = new InFlight(1_000);
    const [one] = entered(inFlight, 1) as [Delivery];
    inFlight.startClock(one);
    jest.advanceTimersByTime(900);
    inFlight.startClock(one);
    jest.advanceTimersByTime(999);
    expect(one.reasons).toEqual([]);
    jest.advanceTimersByTime(2);
    expect(one.reasons).toHaveLength(1);
  });

  it.each<[string, (inFlight: InFlight, one: Delivery) => void]>([
    ['whose clock was stopped', (inFlight, one) => inFlight.stopClock(one)],
    ['who has left', (inFlight, one) => inFlight.leave(one)],
  ])('does not end one %s, and still the others', (_who, saves) => {
    const inFlight = new InFlight(1_000);
    const all = entered(inFlight, 3);
    for (const one of all) inFlight.startClock(one);
    saves(inFlight, all[0]!);
    jest.advanceTimersByTime(1_001);
    expect(all.map(({ reasons }) => reasons.length)).toEqual([0, 1, 1]);
  });

  it('begins anew after everybody had left', () => {
    const inFlight = new InFlight(1_000);
    const [first] = entered(inFlight, 1) as [Delivery];
    inFlight.startClock(first);
    inFlight.leave(first);
    jest.advanceTimersByTime(5_000);
    const [second] = entered(inFlight, 1) as [Delivery];
    inFlight.startClock(second);
    jest.advanceTimersByTime(1_001);
    expect([first.reasons.length, second.reasons.length]).toEqual([0, 1]);
  });

  it('aborts all who are there, whatever the order in which others left', () => {
    const inFlight = new InFlight(1_000);
    const all = entered(inFlight, 5);
    for (const at of [0, 3, 4]) inFlight.leave(all[at]!);
    const [late] = entered(inFlight, 1) as [Delivery];
    inFlight.abortAll('over');
    expect([...all, late].map(({ reasons }) => reasons)).toEqual([[], ['over'], ['over'], [], [], ['over']]);
  });
});
