import { evaluate } from '../support/script-module';

interface Account {
  passed: boolean;
  problems: { what: string; ids: string[] }[];
}

const body = (text: string): string => Buffer.from(text).toString('base64');
const letter = (id: string, token: string, text = id) => ({ id, token, body: body(text) });

/** A good order, one that met a bug and one that was malformed, each at its end. */
const inOrder = {
  sent: [
    { id: 'a', kind: 'good', body: body('a'), copies: 2 },
    { id: 'b', kind: 'bug', body: body('b'), copies: 1 },
    { id: 'c', kind: 'malformed', body: body('c'), copies: 1 },
  ],
  effects: { orders: ['a'], payments: ['a'], shipping: ['a'] },
  deadLetters: { orders: [letter('b', 't1'), letter('c', 't2')], payments: [], shipping: [] },
  waiting: {},
  charged: ['a'],
};

type Evidence = {
  sent: typeof inOrder.sent;
  effects: Record<string, string[]>;
  deadLetters: Record<string, ReturnType<typeof letter>[]>;
  waiting: Record<string, number>;
  charged: string[];
};

const settle = (change: Partial<Evidence> = {}): Promise<Account> =>
  evaluate(
    'demo/account.mjs',
    `it.settleAccount(JSON.parse(JSON.stringify(input), (key, value) =>
       key === 'body' ? Buffer.from(value, 'base64') : value))`,
    { ...inOrder, ...change },
  ) as Promise<Account>;

const dead = (...orders: ReturnType<typeof letter>[]) => ({ ...inOrder.deadLetters, orders });

describe('the account of the demo', () => {
  it('passes when every order came to exactly one end', async () => {
    expect(await settle()).toMatchObject({ passed: true, problems: [] });
  });

  it('takes a dead letter sent again after a crash, under the same token, for one', async () => {
    const deadLetters = dead(letter('b', 't1'), letter('b', 't1'), letter('c', 't2'));
    expect(await settle({ deadLetters })).toMatchObject({ passed: true });
  });

  it('takes a payment that could not be made for one that is a dead letter', async () => {
    const change = {
      effects: { ...inOrder.effects, payments: [] },
      deadLetters: { ...inOrder.deadLetters, payments: [letter('a', 't3')] },
      charged: [],
    };
    expect(await settle(change)).toMatchObject({ passed: true });
  });

  it.each<[string, Partial<Evidence>, string, string]>([
    ['an effect is missing', { effects: { ...inOrder.effects, shipping: [] } }, 'shipping: lost', 'a'],
    [
      'an effect came twice',
      { effects: { ...inOrder.effects, orders: ['a', 'a'] } },
      'orders: more than one end',
      'a',
    ],
    ['a dead letter is missing', { deadLetters: dead(letter('b', 't1')) }, 'orders: lost', 'c'],
    [
      'a dead letter came twice',
      { deadLetters: dead(letter('b', 't1'), letter('b', 't9'), letter('c', 't2')) },
      'orders: more than one end',
      'b',
    ],
    [
      'a body was altered',
      { deadLetters: dead(letter('b', 't1'), letter('c', 't2', 'other')) },
      'orders: the body of the dead letter is not what was sent',
      'c',
    ],
    [
      'a good order is a dead letter',
      {
        effects: { ...inOrder.effects, orders: [] },
        deadLetters: dead(letter('a', 't0'), letter('b', 't1'), letter('c', 't2')),
      },
      'orders: a good order is dead, or a bad one took effect',
      'a',
    ],
    ['something waits', { waiting: { payments: 3 } }, 'not at its end: payments', '3 messages'],
    ['nobody was charged', { charged: [] }, 'paid without a charge', 'a'],
    [
      'something was never sent',
      { effects: { ...inOrder.effects, payments: ['a', 'z'] }, charged: ['a', 'z'] },
      'payments: never sent',
      'z',
    ],
  ])('fails and names the order when %s', async (_, change, what, id) => {
    const account = await settle(change);
    expect(account.passed).toBe(false);
    expect(account.problems).toContainEqual({ what, ids: [id] });
  });
});
