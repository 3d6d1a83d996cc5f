import type { FaultRecord, Journal, KindAccount, Sample } from './journal';

/* Journals for the specs of this folder. */

export function journalOf(given: Partial<Journal> = {}): Journal {
  return {
    seed: 41,
    command: 'npm run chaos -- --seed 41',
    startedAt: new Date('2026-11-23T20:04:11Z'),
    samples: [],
    faults: [],
    left: [],
    deaths: new Map(),
    ...given,
  };
}

export function faultOf(given: Partial<FaultRecord> = {}): FaultRecord {
  return { name: 'broker: kill -9', lane: 'surroundings', from: 10_000, ...given };
}

/** One sample a second, from 0 on; so many confirmed and settled between two. */
export function steadySamples(seconds: number, perSecond: number): Sample[] {
  return Array.from({ length: seconds + 1 }, (_, second) => ({
    at: second * 1_000,
    confirmed: second * perSecond,
    settled: second * perSecond,
    backlog: 0,
    ready: 3,
  }));
}

export function kindOf(kind: string, given: Partial<KindAccount> = {}): KindAccount {
  const none = { confirmed: 0, effects: 0, deadLetters: 0, discarded: 0, lost: 0, doubled: 0, repeated: 0 };
  return { kind, ...none, ...given };
}
