import { Draw } from '../../draw';
import type { Policy, QueueFigures } from '../../stage/broker-server';
import type { Replica } from '../../stage/replica';
import type { Stage } from '../../stage/stage';
import type { AmqpWire, PostgresWire } from '../../wires/wire';
import { createTestVhost, management } from '../../../test/support/vhosts';
import type { Fault } from '../fault';
import { surroundingsFaults } from './surroundings';

const figures = (name: string, ready = 0, unacknowledged = 0, consumers = 0): QueueFigures => ({
  name,
  ready,
  unacknowledged,
  consumers,
});

/** A stage that only writes down what is broken on it. Time passes when a fault waits for it. */
class PaperStage implements Stage {
  /** Everything done, in order. */
  readonly steps: string[] = [];
  /** What is broken now. */
  readonly broken = new Set<string>();
  readonly policies: Policy[] = [];
  readonly pace: number;
  queues: QueueFigures[] = [
    figures('chaos.doomed', 0, 0, 3),
    figures('chaos.doomed.dlq'),
    figures('chaos.delay.3s', 5),
    figures('chaos.delay.1h'),
  ];
  waitedMs = 0;

  /** @param failsAt the number of the step that fails, from 1. */
  constructor({ failsAt = Infinity, pace = 1 } = {}) {
    this.failsAt = failsAt;
    this.pace = pace;
  }

  private readonly failsAt: number;

  readonly replicas = ['replica-1', 'replica-2', 'replica-3'].map((name) => this.replica(name));

  readonly broker: Stage['broker'] = {
    kill: async () => this.break('broker'),
    stop: async () => this.break('broker'),
    start: async () => this.mend('broker'),
    ctl: async () => '',
    queues: async () => {
      this.step('look at the queues');
      return this.queues;
    },
    layPolicy: async (name, policy) => {
      this.policies.push(policy);
      this.break(`policy ${name}`);
      return async () => this.mend(`policy ${name}`);
    },
    deleteQueue: async (name) => this.step(`delete ${name}`),
    closeConnections: async () => this.step('close connections'),
    raiseAlarm: async (of) => {
      this.break(`${of} alarm`);
      return async () => this.mend(`${of} alarm`);
    },
  };

  readonly database: Stage['database'] = {
    restartImmediately: async () => this.step('restart the database'),
    stop: async () => this.break('database'),
    start: async () => this.mend('database'),
    query: async () => [],
    lockEffects: async (ms, signal) => {
      await this.pause(ms, signal);
    },
    takeAllConnections: async () => {
      this.break('database connections');
      return async () => this.mend('database connections');
    },
  };

  readonly load: Stage['load'] = {
    holdBack: async (kind) => this.break(`load of ${kind}`),
    resume: (kind) => this.mend(`load of ${kind}`),
    publish: async () => undefined,
    allowBacklog: (messages) => {
      if (messages === undefined) this.mend('backlog');
      else this.break('backlog');
    },
  };

  readonly pause = async (ms: number, signal: AbortSignal): Promise<void> => {
    this.step(`wait ${ms} ms`);
    if (signal.aborted) return;
    this.waitedMs += ms;
    jest.advanceTimersByTime(ms);
  };

  readonly tell = (): void => undefined;

  private replica(name: string): Replica {
    const wire = (cable: string): AmqpWire & PostgresWire => {
      const trouble = (what: string) => (): (() => void) => {
        this.break(`${name} ${cable} ${what}`);
        return () => this.mend(`${name} ${cable} ${what}`);
      };
      let giveUp: () => void = () => undefined;
      /** Never fails, and needs nobody to end it. */
      const lose = async (count: number, withinMs: number): Promise<number> => {
        this.steps.push(`lose ${count} COMMITs of ${name} in ${withinMs} ms`);
        const over = new AbortController();
        giveUp = () => over.abort();
        await new Promise(setImmediate);
        if (!over.signal.aborted) this.waitedMs = Math.max(this.waitedMs, withinMs);
        return over.signal.aborted ? 0 : count;
      };
      return {
        url: '',
        connections: 4,
        cut: (share = 1) => {
          this.step(`cut ${share} of ${name} ${cable}`);
          return 4 * share;
        },
        refuse: trouble('refused'),
        mute: (direction) => trouble(`mute ${direction}`)(),
        hold: trouble('held'),
        delay: (ms) => trouble(`delayed ${ms}`)(),
        throttle: (direction, rate) => trouble(`throttled ${direction} ${rate}`)(),
        mend: () => giveUp(),
        close: async () => undefined,
        loseCommitAnswers: lose,
        loseCommits: lose,
        swallowConfirms: trouble('confirms swallowed'),
      };
    };
    return {
      name,
      amqp: wire('amqp'),
      postgres: wire('postgres'),
      isRunning: true,
    } as Partial<Replica> as Replica;
  }

  private step(what: string): void {
    this.steps.push(what);
    if (this.steps.length === this.failsAt) throw new Error(`failed: ${what}`);
  }

  private break(what: string): void {
    expect(this.broken).not.toContain(what);
    this.step(`break ${what}`);
    this.broken.add(what);
  }

  /** Also of what is whole. */
  private mend(what: string): void {
    this.steps.push(`mend ${what}`);
    this.broken.delete(what);
  }
}

const CALM = new AbortController().signal;
const named = surroundingsFaults.map((fault) => [fault.name, fault] as const);
const faultNamed = (name: string): Fault => surroundingsFaults.find((fault) => fault.name === name)!;

describe('the faults of the surroundings', () => {
  beforeEach(() => {
    jest.useFakeTimers({ doNotFake: ['nextTick', 'setImmediate'] });
  });
  afterEach(() => {
    jest.useRealTimers();
  });

  it('have names of their own, that tell what is hit', () => {
    const names = surroundingsFaults.map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
    for (const name of names)
      expect(name).toMatch(/^(broker|database|amqp|postgres|amqp and postgres|policy|queue): \S/);
    expect(new Set(surroundingsFaults.map(({ lane }) => lane))).toEqual(new Set(['surroundings']));
    for (const { weight = 1 } of surroundingsFaults) expect(weight).toBeGreaterThan(0);
  });

  describe.each(named)('%s', (_, fault) => {
    it('does something, mends it, and says what it was', async () => {
      for (let seed = 0; seed < 30; seed++) {
        const stage = new PaperStage();
        const detail = await fault.strike(stage, new Draw(seed), CALM);
        expect(stage.steps.length).toBeGreaterThan(0);
        expect([...stage.broken]).toEqual([]);
        expect(detail).toMatch(/\S/);
        expect(detail).not.toMatch(/undefined|NaN|\[object/);
      }
    });

    it('is the same for the same seed', async () => {
      const stages = [new PaperStage(), new PaperStage()];
      const details: string[] = [];
      for (const stage of stages) details.push(await fault.strike(stage, new Draw(5), CALM));
      expect(details[0]).toBe(details[1]);
      expect(stages[0]!.steps).toEqual(stages[1]!.steps);
    });

    it('mends what it broke when any step of it fails', async () => {
      const whole = new PaperStage();
      await fault.strike(whole, new Draw(11), CALM);
      for (let failsAt = 1; failsAt <= whole.steps.length; failsAt++) {
        const stage = new PaperStage({ failsAt });
        await fault.strike(stage, new Draw(11), CALM).catch(() => undefined);
        expect({ failsAt, broken: [...stage.broken] }).toEqual({ failsAt, broken: [] });
      }
    });

    it('mends at once when the run has been given up', async () => {
      const stage = new PaperStage();
      await fault.strike(stage, new Draw(3), AbortSignal.abort());
      expect([...stage.broken]).toEqual([]);
      expect(stage.waitedMs).toBe(0);
    });

    it('mends at once when the run is given up in the middle', async () => {
      const stage = new PaperStage();
      const over = new AbortController();
      const pause = stage.pause;
      const striking = fault.strike(
        Object.assign(stage, {
          pause: (ms: number, signal: AbortSignal) => {
            over.abort();
            return pause(ms, signal);
          },
        }),
        new Draw(3),
        over.signal,
      );
      over.abort();
      await striking;
      expect([...stage.broken]).toEqual([]);
      expect(stage.waitedMs).toBe(0);
    });
  });

  it('are shorter in a quick run', async () => {
    const usual = surroundingsFaults.filter(
      ({ name }) => !name.startsWith('queue') && !name.includes('five minutes'),
    );
    const waited = async (pace: number): Promise<number> => {
      let sum = 0;
      for (const fault of usual) {
        for (let seed = 0; seed < 20; seed++) {
          const stage = new PaperStage({ pace });
          await fault.strike(stage, new Draw(seed), CALM);
          expect(stage.waitedMs).toBeLessThan(20_000);
          sum += stage.waitedMs;
        }
      }
      return sum;
    };
    expect(await waited(0.3)).toBeLessThan(0.5 * (await waited(1)));
  });

  it.each([
    [1, 300_000],
    [2, 300_000],
    [0.3, 9_000],
    [0.1, 8_000],
  ])('keep the database away for its five minutes at pace %d: %d ms', async (pace, ms) => {
    const stage = new PaperStage({ pace });
    await faultNamed('database: five minutes away with a full queue').strike(stage, new Draw(1), CALM);
    expect(stage.waitedMs).toBe(ms);
  });

  describe('that delete a queue', () => {
    const alone = faultNamed('queue: deleted in use');
    const withDeadLetters = faultNamed('queue: deleted in use, with its dead-letter queue');
    const deletions = ({ steps }: PaperStage): string[] => steps.filter((step) => step.startsWith('delete'));

    it('wait until nothing can come back from a delay that holds messages', async () => {
      const stage = new PaperStage();
      const detail = await alone.strike(stage, new Draw(1), CALM);
      expect(detail).toBe('chaos.doomed; 3 consumers again after 0.0 s');
      // As old as figures can be, and 3 s.
      expect(stage.waitedMs).toBeGreaterThan(9_000);
      expect(stage.waitedMs).toBeLessThan(12_000);
    });

    it.each([
      ['ready', figures('chaos.doomed', 1, 0, 3), '1 ready, 0 unacknowledged'],
      ['unacknowledged', figures('chaos.doomed', 0, 2, 3), '0 ready, 2 unacknowledged'],
    ])('leave it alone while something is %s', async (_, doomed, why) => {
      const stage = new PaperStage();
      stage.queues = [doomed];
      expect(await alone.strike(stage, new Draw(1), CALM)).toContain(`left alone: ${why}`);
      expect(deletions(stage)).toEqual([]);
    });

    it('leave it alone while a long delay holds messages, or when there is none', async () => {
      const stage = new PaperStage();
      stage.queues = [figures('chaos.doomed', 0, 0, 3), figures('chaos.delay.2m', 1)];
      expect(await alone.strike(stage, new Draw(1), CALM)).toContain('while delays last 120.0 s');
      stage.queues = [];
      expect(await alone.strike(stage, new Draw(1), CALM)).toBe('left alone: chaos.doomed is not there');
      expect(deletions(stage)).toEqual([]);
    });

    it('fail when nobody declares it anew', async () => {
      const stage = new PaperStage();
      stage.broker.deleteQueue = async () => {
        stage.queues = [];
      };
      await expect(alone.strike(stage, new Draw(1), CALM)).rejects.toThrow(/chaos\.doomed is not back/);
      expect([...stage.broken]).toEqual([]);
    });

    it('take the dead-letter queue first, and only an empty one', async () => {
      const stage = new PaperStage();
      const detail = await withDeadLetters.strike(stage, new Draw(1), CALM);
      expect(detail).toContain('chaos.doomed and chaos.doomed.dlq; ');
      expect(deletions(stage)).toEqual(['delete chaos.doomed.dlq', 'delete chaos.doomed']);
      const full = new PaperStage();
      full.queues = [figures('chaos.doomed', 0, 0, 3), figures('chaos.doomed.dlq', 4)];
      expect(await withDeadLetters.strike(full, new Draw(1), CALM)).toContain(
        'chaos.doomed.dlq was left: it holds 4',
      );
      expect(deletions(full)).toEqual(['delete chaos.doomed']);
    });
  });

  it('lay policies that the broker accepts, and only on queues that can bear them', async () => {
    const stage = new PaperStage();
    for (const fault of surroundingsFaults) {
      for (let seed = 0; seed < 20; seed++) await fault.strike(stage, new Draw(seed), CALM);
    }
    const matching = (queue: string): string[] => [
      ...new Set(
        stage.policies
          .filter(({ pattern }) => new RegExp(pattern).test(queue))
          .flatMap(({ definition }) => Object.keys(definition)),
      ),
    ];
    expect(matching('chaos.policed').sort()).toEqual([
      'delivery-limit',
      'max-length',
      'message-ttl',
      'overflow',
    ]);
    expect(matching('chaos.delay.3s').sort()).toEqual(['max-length', 'message-ttl', 'overflow']);
    expect(matching('chaos.checked.dlq').sort()).toEqual(['max-length', 'overflow']);
    for (const other of ['chaos.checked', 'chaos.policed.dlq', 'chaos.unroutable', 'chaosxpoliced']) {
      expect(matching(other)).toEqual([]);
    }
    for (const { pattern, definition } of stage.policies) {
      const loses = definition['overflow'] === 'drop-head' || 'delivery-limit' in definition;
      if (loses) expect(pattern).toBe('^chaos\\.policed$');
    }

    jest.useRealTimers();
    const vhost = await createTestVhost();
    try {
      const distinct = new Map(stage.policies.map((policy) => [JSON.stringify(policy), policy]));
      for (const policy of distinct.values()) {
        // Refused with 400 when a key or a value of it is unknown.
        await management('PUT', `/policies/${encodeURIComponent(vhost.name)}/chaos`, {
          ...policy,
          'apply-to': 'queues',
        });
      }
      expect(distinct.size).toBeGreaterThan(20);
    } finally {
      await vhost.remove();
    }
  });
});
