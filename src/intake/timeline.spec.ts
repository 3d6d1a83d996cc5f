import type { InboxRow } from '../idempotency/idempotency.module';
import { tellHistory } from './timeline';

const row = (over: Partial<InboxRow>): InboxRow => ({
  consumer: 'orders',
  transactionId: 't',
  state: 'completed',
  failedAttempts: 0,
  dueAt: null,
  copyConfirmed: false,
  reason: null,
  history: [],
  receivedAt: new Date('2026-01-01T00:00:00Z'),
  updatedAt: new Date('2026-01-01T00:00:09Z'),
  ...over,
});
const failure = (at: string, attempt: number, outcome: string) => ({
  at,
  attempt,
  outcome,
  reason: 'TypeError',
  error: 'x is not a function',
  handler: 'Orders.on',
});

describe('tellHistory', () => {
  it.each<[string, Partial<InboxRow>, string[]]>([
    ['handled at once', {}, ['1 completed']],
    ['being handled now', { state: 'running' }, ['1 running']],
    [
      'being handled once more',
      {
        state: 'running',
        failedAttempts: 1,
        history: [failure('2026-01-01T00:00:01+00:00', 1, 'retrying')],
      },
      ['1 retrying', '2 running'],
    ],
    ['discarded', { state: 'discarded', reason: 'old' }, ['1 discarded']],
    [
      'handled at the second try',
      { failedAttempts: 1, history: [failure('2026-01-01T00:00:01+00:00', 1, 'retrying')] },
      ['1 retrying', '2 completed'],
    ],
    [
      'dead',
      {
        state: 'dead',
        failedAttempts: 2,
        history: [
          failure('2026-01-01T00:00:01+00:00', 1, 'retrying'),
          failure('2026-01-01T00:00:05+00:00', 2, 'dead'),
        ],
      },
      ['1 retrying', '2 dead'],
    ],
  ])('%s', (_name, over, expected) => {
    const { timeline } = tellHistory('t', [row(over)]);
    expect(timeline.map(({ attempt, outcome }) => `${attempt} ${outcome}`)).toEqual(expected);
  });

  it('joins what several consumers know, by time', () => {
    const early = row({ consumer: 'audit', updatedAt: new Date('2026-01-01T00:00:02Z') });
    const { consumers, timeline } = tellHistory('t', [row({}), early]);
    expect(consumers.map(({ queue }) => queue)).toEqual(['orders', 'audit']);
    expect(timeline.map(({ queue }) => queue)).toEqual(['audit', 'orders']);
  });
});
