import { describeDrift, readInequality } from './drift';

const refusal = (what: string): string =>
  `Channel closed by server: 406 (PRECONDITION-FAILED) with message "PRECONDITION_FAILED - inequivalent arg ${what}"`;

describe('readInequality', () => {
  it.each([
    [
      "'x-queue-type' for queue 'orders' in vhost '/': received the value 'quorum' of type 'longstr' but current is none",
      'x-queue-type',
      undefined,
    ],
    [
      "'x-message-ttl' for queue 'orders' in vhost 'v': received the value '500' of type 'signedint' but current is the value '1000' of type 'signedint'",
      'x-message-ttl',
      1000,
    ],
    [
      "'x-dead-letter-exchange' for queue 'o' in vhost 'v': received none but current is the value 'old.dead' of type 'longstr'",
      'x-dead-letter-exchange',
      'old.dead',
    ],
    ["'durable' for queue 'o' in vhost 'v': received 'true' but current is 'false'", 'durable', false],
    ["'type' for exchange 'shop' in vhost 'v': received 'direct' but current is 'topic'", 'type', 'topic'],
  ])('reads %s', (what, argument, existing) => {
    expect(readInequality(refusal(what))).toEqual({ argument, existing });
  });

  it('is not misled by another refusal', () => {
    expect(readInequality('403 (ACCESS-REFUSED) with message "ACCESS_REFUSED - no"')).toBeUndefined();
  });
});

describe('describeDrift', () => {
  it('goes on where only a safety net is missing, and stops where the queue keeps messages in another way', () => {
    expect(
      describeDrift('o', 'x.dead', { argument: 'x-dead-letter-exchange', existing: undefined }),
    ).toMatchObject({ tolerated: true, existing: '(not set)' });
    expect(describeDrift('o', undefined, { argument: 'x-message-ttl', existing: 5 })).toMatchObject({
      tolerated: false,
      declared: '(not set)',
      existing: '5',
    });
  });
});
