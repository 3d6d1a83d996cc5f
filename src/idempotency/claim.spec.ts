import { judgeClaim, type InboxClaimRow, type InboxKey } from './claim';

const hash = Buffer.from('same');
const key = (copyToken?: string): InboxKey => ({
  consumer: 'orders',
  transactionId: 't-1',
  bodyHash: hash,
  copyToken,
});
const row = (over: Partial<InboxClaimRow>): InboxClaimRow => ({
  state: 'completed',
  body_hash: hash,
  failed_attempts: 2,
  copy_token: null,
  copy_confirmed: false,
  due_in_ms: null,
  reason: null,
  ...over,
});

describe('judgeClaim', () => {
  it.each<[string, InboxClaimRow | undefined, InboxKey, unknown]>([
    ['a row that has gone is tried again', undefined, key(), 'again'],
    ['a completed message is a duplicate', row({}), key(), { kind: 'duplicate' }],
    ['a discarded message is a duplicate', row({ state: 'discarded' }), key(), { kind: 'duplicate' }],
    ['a late copy of a completed message is a duplicate', row({}), key('old'), { kind: 'duplicate' }],
    [
      'the original beside a confirmed copy is a duplicate',
      row({ state: 'retrying', copy_token: 'a', copy_confirmed: true }),
      key(),
      { kind: 'duplicate' },
    ],
    [
      'the copy that owns the row is tried again',
      row({ state: 'retrying', copy_token: 'a' }),
      key('a'),
      'again',
    ],
    [
      'a dead letter put back by hand owns its row',
      row({ state: 'dead', copy_token: 'a', copy_confirmed: true }),
      key('a'),
      'again',
    ],
    [
      'the original beside an unconfirmed copy sends that copy',
      row({ state: 'retrying', copy_token: 'a', due_in_ms: 700, reason: 'TypeError' }),
      key(),
      { kind: 'retry', delayMs: 700, reason: 'TypeError', recorded: { token: 'a', failedAttempts: 2 } },
    ],
    [
      'an overdue unconfirmed copy is sent at once',
      row({ state: 'retrying', copy_token: 'a', due_in_ms: -5 }),
      key('older'),
      { kind: 'retry', delayMs: 0, reason: 'unknown', recorded: { token: 'a', failedAttempts: 2 } },
    ],
    [
      'an unconfirmed dead letter is sent by whoever comes',
      row({ state: 'dead', copy_token: 'a' }),
      key(),
      { kind: 'dead-letter', reason: 'attempts-exhausted', recorded: { token: 'a', failedAttempts: 2 } },
    ],
    [
      'a twin of a run that goes on stands aside, and never for longer than the lease',
      row({ state: 'running', copy_token: 'a', due_in_ms: 700.4 }),
      key(),
      { kind: 'defer', reason: 'twin-running', delayMs: 701 },
    ],
    [
      'a twin of a run that has just begun looks again before its lease is over',
      row({ state: 'running', copy_token: 'a', due_in_ms: 29_000 }),
      key('a'),
      { kind: 'defer', reason: 'twin-running', delayMs: 5_000 },
    ],
    [
      'a run whose lease is over is taken over, by whatever copy of it',
      row({ state: 'running', copy_token: 'a', due_in_ms: 0 }),
      key(),
      'take-over',
    ],
  ])('%s', (_, found, wanted, expected) => {
    expect(judgeClaim(found, wanted)).toEqual(expected);
  });

  it('never takes another body under the same id for a duplicate', () => {
    for (const state of ['running', 'completed', 'discarded', 'retrying', 'dead'] as const) {
      const other = row({
        state,
        body_hash: Buffer.from('other'),
        copy_token: state === 'retrying' ? 'a' : null,
      });
      expect(judgeClaim(other, key())).toMatchObject({
        kind: 'dead-letter',
        reason: 'transaction-id-conflict',
      });
    }
  });
});
