import fc from 'fast-check';
import { HOSTILE_VALUES } from '../../test/support/hostile-values';
import { DependencyGate } from './dependency-gate';
import { EventBus, type HoldfastEvents } from './events';

type Change = HoldfastEvents['dependency.changed'];

/** A gate, what it guards, and what is known of both from outside. */
class Real {
  readonly events = new EventBus();
  readonly changes: Change[] = [];
  readonly gate: DependencyGate;
  /** Whether the dependency is there. */
  up = true;
  /** Probes under way, to be answered when a command says so. */
  readonly probes: { readonly answer: () => void }[] = [];
  probesAtOnce = 0;
  mostProbesAtOnce = 0;
  readonly waiting = new Set<number>();
  private waits = 0;

  constructor() {
    this.events.on('dependency.changed', (change) => this.changes.push(change));
    this.gate = new DependencyGate(
      'database',
      () => this.probe(),
      this.events,
      () => 1_000,
    );
  }

  wait(signal?: AbortSignal): void {
    const wait = ++this.waits;
    this.waiting.add(wait);
    void this.gate.whenAvailable(signal).then(() => this.waiting.delete(wait));
  }

  private probe(): Promise<void> {
    this.probesAtOnce++;
    this.mostProbesAtOnce = Math.max(this.mostProbesAtOnce, this.probesAtOnce);
    return new Promise((resolve, reject) => {
      const answer = (): void => {
        this.probesAtOnce--;
        if (this.up) resolve();
        else reject(new Error('away'));
      };
      this.probes.push({ answer });
    });
  }
}

interface Model {
  started: boolean;
  stopped: boolean;
}

/** Lets everything that is due happen: microtasks, and the timers that are due now. */
const settle = async (): Promise<void> => {
  for (let i = 0; i < 10; i++) await Promise.resolve();
};

class Step implements fc.AsyncCommand<Model, Real> {
  constructor(
    private readonly name: string,
    private readonly act: (real: Real, model: Model) => void | Promise<void>,
    private readonly fits: (model: Readonly<Model>) => boolean = () => true,
  ) {}

  check(model: Readonly<Model>): boolean {
    return this.fits(model);
  }

  async run(model: Model, real: Real): Promise<void> {
    await this.act(real, model);
    await settle();
    const { gate, changes } = real;
    expect(real.mostProbesAtOnce).toBeLessThanOrEqual(1);
    // Each change is told once, and the last one told is how it is.
    for (const [i, { available }] of changes.entries())
      if (i > 0) expect(available).toBe(!changes[i - 1]!.available);
    if (changes.length > 0) expect(changes.at(-1)!.available).toBe(gate.available);
    expect(gate.reason === undefined).toBe(gate.available);
    // Nobody waits for what is there, or for what will not be asked for any more.
    if (gate.available || model.stopped) expect(real.waiting.size).toBe(0);
  }

  toString(): string {
    return this.name;
  }
}

const running = ({ started, stopped }: Readonly<Model>): boolean => started && !stopped;

const steps = fc.constantFrom(
  new Step(
    'start',
    (real, model) => {
      model.started = true;
      real.gate.start();
    },
    ({ started }) => !started,
  ),
  new Step('it goes away', (real) => void (real.up = false)),
  new Step('it comes back', (real) => void (real.up = true)),
  new Step('the probe is answered', (real) => real.probes.shift()?.answer()),
  new Step(
    'time passes',
    () => {
      jest.advanceTimersByTime(1_000);
    },
    running,
  ),
  new Step('somebody meets a failure', (real) => real.gate.reportFailure(new Error('lost')), running),
  new Step(
    'a hostile failure',
    (real) => real.gate.reportFailure(HOSTILE_VALUES['a revoked Proxy']!()),
    running,
  ),
  new Step(
    'hurry',
    (real) => {
      const known = real.gate.available && real.probes.length;
      real.gate.hurry();
      if (known !== false) expect(real.probes.length).toBe(known);
    },
    running,
  ),
  new Step('somebody waits', (real) => real.wait(), running),
  new Step('somebody waits and gives up', (real) => {
    const giveUp = new AbortController();
    real.wait(giveUp.signal);
    giveUp.abort();
  }),
  new Step('stop', (real, model) => {
    model.stopped = true;
    real.gate.stop();
  }),
);

/** Whatever has happened: once it is there again, the next probe finds it and wakes everybody. */
async function comesBack(real: Real): Promise<void> {
  real.up = true;
  real.wait();
  for (let i = 0; i < 3; i++) {
    jest.advanceTimersByTime(1_000);
    real.probes.shift()?.answer();
    await settle();
  }
  expect(real.gate.available).toBe(true);
  expect(real.waiting.size).toBe(0);
}

describe('DependencyGate, in any order of failures, probes and waits', () => {
  beforeEach(() =>
    jest.useFakeTimers({ doNotFake: ['setImmediate', 'nextTick', 'queueMicrotask', 'performance'] }),
  );
  afterEach(() => jest.useRealTimers());

  it('asks once at a time, tells each change once, and leaves nobody waiting', async () => {
    await fc.assert(
      fc.asyncProperty(fc.commands([steps], { maxCommands: 40 }), async (commands) => {
        const real = new Real();
        const model: Model = { started: false, stopped: false };
        await fc.asyncModelRun(() => ({ model, real }), commands);
        if (running(model)) await comesBack(real);
        // Once stopped it asks no more, whatever the last answer is.
        real.gate.stop();
        real.up = false;
        for (const { answer } of real.probes.splice(0)) answer();
        await settle();
        expect(real.probes).toEqual([]);
        expect(jest.getTimerCount()).toBe(0);
      }),
      { numRuns: 150 },
    );
  });
});
