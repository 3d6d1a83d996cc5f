import { fateOf } from '../draw';

/** What must have become of one message at one consumer, once everything is quiet. */
export interface Expectation {
  readonly consumer: string;
  readonly end: 'effect' | 'dead-letter' | 'discard' | 'effect-or-dead-letter';
  /** False for consumers without idempotency: at least once. */
  readonly once: boolean;
  /** The attempt that must have made the effect; anything above means that an infrastructure fault has spent one. */
  readonly attempt?: number;
}

/** One sort of traffic. What a message of it is, and what must become of it, follows from seed and number alone. */
export interface Kind {
  readonly name: string;
  /** Share of the traffic; 0 is published on demand only. */
  readonly weight: number;
  readonly exchange: string;
  readonly routingKey: string;
  /** How often each of its messages is published, under one id. */
  copies(number: number): number;
  body(number: number): Buffer;
  expected(number: number): readonly Expectation[];
}

export const NAMESPACE = 'chaos';
export const EVENTS = 'chaos.events';
/** The retry delays of `flaky`: three retries, four tries. */
export const FLAKY_DELAYS = ['1s', '2s', '3s'] as const;
/** Every so many messages of `killer` one kills its process. */
export const KILLER_EVERY = 10;

export const queueOf = (kind: string): string => `${NAMESPACE}.${kind}`;

/** Every queue that has a consumer. */
export const WORK_QUEUES: readonly string[] = [
  'transactional',
  'shared',
  'batch',
  'lease',
  'twins',
  'plain',
  'flaky',
  'checked',
  'fan.a',
  'fan.b',
  'fan.c',
  'chain',
  'chain.end',
  'killer',
  'doomed',
  'policed',
].map(queueOf);

export function messageId(kind: string, number: number): string {
  return `${kind}-${number}`;
}

/** @returns undefined for an id that is none of ours. */
export function readMessageId(id: string): { kind: string; number: number } | undefined {
  const match = /^([a-z]+)-(\d+)$/.exec(id);
  return match?.[1] === undefined ? undefined : { kind: match[1], number: Number(match[2]) };
}

export function kindsOf(seed: number): readonly Kind[] {
  const fate = (kind: string, number: number): number => fateOf(seed, kind, number);
  const effect = (kind: string, attempt = 1): Expectation => ({
    consumer: queueOf(kind),
    end: 'effect',
    once: true,
    attempt,
  });
  const simple = (name: string, weight: number, more: Partial<Kind> = {}): Kind => ({
    name,
    weight,
    exchange: '',
    routingKey: queueOf(name),
    copies: () => 1,
    body: (number) => json({ number, text: 'x'.repeat(Math.floor(fate(name, number) * 200)) }),
    expected: () => [effect(name)],
    ...more,
  });
  const fails = (number: number): number => Math.floor(fate('flaky', number) * (FLAKY_DELAYS.length + 2));
  return [
    simple('transactional', 20),
    simple('shared', 20, {
      copies: (number) => (fate('shared', number) < 0.1 ? 2 : 1),
      body: (number) => json({ number, fails: failsOnce(number) }),
      expected: (number) => [effect('shared', failsOnce(number) ? 2 : 1)],
    }),
    simple('batch', 20, {
      copies: (number) => (fate('batch', number) < 0.1 ? 2 : 1),
      body: (number) => json({ number, fate: batchFate(number) }),
      expected: (number) =>
        batchFate(number) === 'good'
          ? [effect('batch')]
          : [{ consumer: queueOf('batch'), end: 'dead-letter', once: true }],
    }),
    simple('lease', 12, {
      expected: () => [{ consumer: queueOf('lease'), end: 'effect', once: false, attempt: 1 }],
    }),
    simple('twins', 22, { copies: (number) => 2 + Math.floor(fate('twins', number) * 4) }),
    simple('plain', 20, {
      expected: () => [{ consumer: queueOf('plain'), end: 'effect', once: false, attempt: 1 }],
    }),
    simple('flaky', 3, {
      body: (number) => json({ number, fails: fails(number) }),
      expected: (number) =>
        fails(number) > FLAKY_DELAYS.length
          ? [{ consumer: queueOf('flaky'), end: 'dead-letter', once: true }]
          : [effect('flaky', fails(number) + 1)],
    }),
    checked(fate),
    simple('fan', 6, {
      exchange: EVENTS,
      routingKey: 'fan.out',
      expected: () => ['fan.a', 'fan.b', 'fan.c'].map((name) => effect(name)),
    }),
    simple('chain', 6, { expected: () => [effect('chain'), effect('chain.end')] }),
    simple('killer', 0, {
      body: (number) => json({ number, kills: kills(number) }),
      expected: (number) =>
        kills(number)
          ? [{ consumer: queueOf('killer'), end: 'dead-letter', once: true }]
          : [effect('killer')],
    }),
    simple('doomed', 1),
    simple('policed', 1, {
      expected: () => [{ consumer: queueOf('policed'), end: 'effect-or-dead-letter', once: true }],
    }),
  ];
}

/** What a message of `batch` does to those it is handled with. */
export type BatchFate = 'good' | 'refused' | 'poison';

function batchFate(number: number): BatchFate {
  if (number % 50 === 9) return 'refused';
  return number % 100 === 23 ? 'poison' : 'good';
}

const failsOnce = (number: number): boolean => number % 50 === 7;

const kills = (number: number): boolean => number % KILLER_EVERY === KILLER_EVERY / 2;

/** Good messages, messages to be discarded, and bodies that nobody can read, in one queue. */
function checked(fate: (kind: string, number: number) => number): Kind {
  const name = 'checked';
  const consumer = queueOf(name);
  const bad: readonly ((number: number) => Buffer)[] = [
    () => Buffer.from('not json {'),
    () => Buffer.alloc(0),
    () => Buffer.from([0xff, 0xfe, 0x00, 0x80]),
    (number) => json({ number: String(number) }),
    (number) => Buffer.from(`${'['.repeat(5_000)}${number}`),
  ];
  return {
    name,
    weight: 8,
    exchange: '',
    routingKey: consumer,
    copies: () => 1,
    body: (number) => {
      const drawn = fate(name, number);
      if (drawn < 0.1) return (bad[number % bad.length] as (number: number) => Buffer)(number);
      return json({ number, discard: drawn < 0.2 });
    },
    expected: (number) => {
      const drawn = fate(name, number);
      if (drawn < 0.1) return [{ consumer, end: 'dead-letter', once: true }];
      if (drawn < 0.2) return [{ consumer, end: 'discard', once: true }];
      return [{ consumer, end: 'effect', once: true, attempt: 1 }];
    },
  };
}

function json(value: unknown): Buffer {
  return Buffer.from(JSON.stringify(value));
}
