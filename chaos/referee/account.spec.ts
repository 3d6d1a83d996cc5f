import type { Expectation } from '../load/kinds';
import { kindsOf, messageId } from '../load/kinds';
import { Account, judge } from './account';

const once: Expectation = { consumer: 'q', end: 'effect', once: true, attempt: 1 };
const nothing = { effects: 0, attempt: 1, discarded: false, dead: undefined };
const dead = { tokens: 1, reasons: 'x' };

describe('judge', () => {
  it.each<[string, Expectation, typeof nothing | object, RegExp | undefined]>([
    ['one effect', once, { effects: 1 }, undefined],
    ['no trace of it', once, {}, /lost/],
    ['two effects', once, { effects: 2 }, /2 effects/],
    ['two effects where repetitions are allowed', { ...once, once: false }, { effects: 2 }, undefined],
    ['an effect and a dead letter', once, { effects: 1, dead }, /beside its effect/],
    ['a dead letter instead of an effect', once, { dead }, /a dead letter/],
    ['a discarded message instead of an effect', once, { discarded: true }, /discarded/],
    ['an effect by a later attempt', once, { effects: 1, attempt: 2 }, /spent an attempt/],
    ['a dead letter, as expected', { ...once, end: 'dead-letter' }, { dead }, undefined],
    ['an effect instead of a dead letter', { ...once, end: 'dead-letter' }, { effects: 1 }, /no dead letter/],
    ['an effect beside a dead letter', { ...once, end: 'dead-letter' }, { effects: 1, dead }, /beside/],
    [
      'two different dead letters',
      { ...once, end: 'dead-letter' },
      { dead: { tokens: 2, reasons: 'x' } },
      /2 different/,
    ],
    ['a discarded message, as expected', { ...once, end: 'discard' }, { discarded: true }, undefined],
    [
      'an effect beside the discard',
      { ...once, end: 'discard' },
      { discarded: true, effects: 1 },
      /an effect/,
    ],
    ['either end', { ...once, end: 'effect-or-dead-letter' }, { dead }, undefined],
    ['neither end', { ...once, end: 'effect-or-dead-letter' }, {}, /lost/],
  ])('%s', (_, expected, found, complaint) => {
    const answer = judge(expected, { ...nothing, ...found });
    if (complaint) expect(answer).toMatch(complaint);
    else expect(answer).toBeUndefined();
  });
});

describe('Account', () => {
  const kinds = kindsOf(7);
  const perfect = (): Account => {
    const account = new Account(kinds);
    for (const kind of kinds) {
      for (let number = 0; number < 200; number++) {
        for (let copy = kind.copies(number); copy > 0; copy--) account.addConfirmed(kind.name, number);
        const message = messageId(kind.name, number);
        for (const { consumer, end, attempt } of kind.expected(number)) {
          if (end === 'discard') account.addDiscard(consumer, message);
          else if (end === 'dead-letter')
            account.addDeadLetter({ consumer, message, reason: 'x', token: 't' });
          else account.addEffect(consumer, message, attempt ?? 1);
        }
      }
    }
    return account;
  };

  it('balances where everything became what it had to become', () => {
    const { discrepancies, kinds: sums } = perfect().close();
    expect(discrepancies).toEqual([]);
    expect(sums.map(({ lost, doubled }) => lost + doubled)).toEqual(kinds.map(() => 0));
    expect(sums.find(({ kind }) => kind === 'fan')).toMatchObject({ confirmed: 200, effects: 600 });
  });

  it('finds the one message that was lost, the one that was doubled and the one nobody sent', () => {
    const account = perfect();
    account.addConfirmed('transactional', 200);
    account.addEffect('chaos.fan.b', 'fan-17', 1);
    account.addEffect('chaos.transactional', 'transactional-999', 1);
    const { discrepancies, kinds: sums } = account.close();
    expect(discrepancies.map(({ message }) => message).sort()).toEqual([
      'fan-17',
      'transactional-200',
      'transactional-999',
    ]);
    expect(sums.find(({ kind }) => kind === 'transactional')).toMatchObject({ lost: 1 });
    expect(sums.find(({ kind }) => kind === 'fan')).toMatchObject({ doubled: 1 });
  });
});
