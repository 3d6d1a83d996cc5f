import { parseDuration, type Duration } from '../message/message.module';

interface Jittered {
  /** How much a delay may be lengthened, as a share of it: 0.3 = up to 30 % more. Never shortened. Default 0. */
  readonly jitter?: number;
}

/** One entry before each further try: `['10s', '30s']` makes three tries in all. */
export interface DelayList extends Jittered {
  readonly delays: readonly Duration[];
  /** Total tries; more than the list has entries for repeats the last one. Default: one more than the list is long. */
  readonly attempts?: number;
}

export interface FixedDelay extends Jittered {
  readonly delay: Duration;
  /** Total tries. */
  readonly attempts: number;
}

export interface ExponentialDelay extends Jittered {
  readonly initial: Duration;
  /** The longest delay. Default 1h. */
  readonly max?: Duration;
  /** Default 2. */
  readonly factor?: number;
  /** Total tries. */
  readonly attempts: number;
}

/** `false`: the first failure is a dead letter. */
export type RetryPolicy = DelayList | FixedDelay | ExponentialDelay | false;

/** A policy worked out: one entry per further try; each entry lists the delays to draw from, in milliseconds. */
export interface RetrySchedule {
  readonly attempts: number;
  readonly lanes: readonly (readonly number[])[];
}

/** `retry: exponential({ attempts: 6, initial: '1s', max: '10m', jitter: 0.3 })` */
export function exponential(options: ExponentialDelay): ExponentialDelay {
  return options;
}

/** @throws RangeError saying which value is wrong. */
export function readRetryPolicy(policy: RetryPolicy): RetrySchedule {
  if (policy === false) return { attempts: 1, lanes: [] };
  assertShape(policy);
  const jitter = policy.jitter ?? 0;
  if (!(jitter >= 0 && jitter <= 1))
    throw new RangeError(`retry.jitter is ${String(jitter)}; it must be from 0 to 1`);
  const delays = delaysOf(policy);
  const short = delays.find((ms) => ms < 1);
  if (short !== undefined)
    throw new RangeError('retry delays must be at least 1ms; for tries without a delay use immediateRetries');
  return { attempts: delays.length + 1, lanes: delays.map((ms) => lanesOf(ms, jitter)) };
}

/** The delay before try `attempt + 1`, or undefined when `attempt` was the last. */
export function delayAfter(
  schedule: RetrySchedule,
  attempt: number,
  random = Math.random,
): number | undefined {
  if (attempt >= schedule.attempts) return undefined;
  const lanes = schedule.lanes[attempt - 1] ?? schedule.lanes.at(-1) ?? [];
  return lanes[Math.min(lanes.length - 1, Math.floor(random() * lanes.length))];
}

/**
 * The longest time from the first failure to the last try, in milliseconds.
 * @param ownDelayMs the longest delay that a rule may put in place of one of the schedule's.
 */
export function longestPath(schedule: RetrySchedule, ownDelayMs = 0): number {
  return schedule.lanes.reduce((sum, lanes) => sum + Math.max(ownDelayMs, ...lanes), 0);
}

const KINDS = {
  delays: ['delays', 'attempts', 'jitter'],
  delay: ['delay', 'attempts', 'jitter'],
  initial: ['initial', 'max', 'factor', 'attempts', 'jitter'],
} as const;

/** Policies are written in plain JavaScript as well, where a misspelt key would be a policy nobody asked for. */
function assertShape(policy: unknown): asserts policy is DelayList | FixedDelay | ExponentialDelay {
  const keys = typeof policy === 'object' && policy !== null ? Object.keys(policy) : [];
  const [kind, ...others] = (['delays', 'delay', 'initial'] as const).filter((one) => keys.includes(one));
  if (kind === undefined || others.length > 0) {
    throw new RangeError(
      'retry must be false, or have one of { delays }, { delay, attempts } and exponential({ initial, attempts })',
    );
  }
  const unknown = keys.filter((key) => !(KINDS[kind] as readonly string[]).includes(key));
  if (unknown.length > 0) {
    throw new RangeError(
      `retry has unknown keys ${unknown.join(', ')}; beside ${kind} it knows ${KINDS[kind].slice(1).join(', ')}`,
    );
  }
}

function delaysOf(policy: DelayList | FixedDelay | ExponentialDelay): number[] {
  if ('delays' in policy) {
    const list = policy.delays.map(parseDuration);
    const further = furtherTries(policy.attempts ?? list.length + 1);
    if (list.length === 0 && further > 0)
      throw new RangeError('retry.delays is empty; name at least one delay, or retry: false');
    if (policy.attempts !== undefined && further < list.length) {
      throw new RangeError(
        `retry.attempts is ${policy.attempts}, but retry.delays has ${list.length} entries for ${list.length + 1} tries`,
      );
    }
    return Array.from({ length: further }, (_, i) => list[Math.min(i, list.length - 1)] ?? 0);
  }
  const further = furtherTries(policy.attempts);
  if ('delay' in policy) return Array.from({ length: further }, () => parseDuration(policy.delay));
  const factor = policy.factor ?? 2;
  if (!(factor >= 1)) throw new RangeError(`retry.factor is ${String(factor)}; it must be 1 or more`);
  const initial = parseDuration(policy.initial);
  const ceiling = policy.max ?? '1h';
  const max = parseDuration(ceiling);
  if (max < initial)
    throw new RangeError(
      `retry.max (${String(ceiling)}) is shorter than retry.initial (${String(policy.initial)})`,
    );
  return Array.from({ length: further }, (_, i) => Math.min(max, Math.round(initial * factor ** i)));
}

function furtherTries(attempts: number): number {
  if (Number.isSafeInteger(attempts) && attempts >= 1 && attempts <= 100) return attempts - 1;
  throw new RangeError(
    `retry.attempts is ${String(attempts)}; it is the total number of tries, a whole number from 1 to 100`,
  );
}

/** A burst that failed together comes back over three lanes instead of all at once. */
function lanesOf(ms: number, jitter: number): number[] {
  return [...new Set([0, jitter / 2, jitter].map((share) => tidy(ms * (1 + share), ms)))];
}

/** Rounds up to a tenth of a second (above one second), so that policies share their tiers. */
function tidy(ms: number, exact: number): number {
  if (Math.round(ms) === exact || ms < 1_000) return Math.round(ms);
  return Math.ceil(ms / 100) * 100;
}
