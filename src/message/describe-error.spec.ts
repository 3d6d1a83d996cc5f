import { describeError } from './describe-error';

class Custom extends Error {
  override readonly name = 'Custom';
}

const throwing = {
  get message(): string {
    throw new Error('no');
  },
  toJSON(): never {
    throw new Error('no');
  },
};

describe('describeError', () => {
  it.each<[string, unknown, string, string]>([
    ['an error', new TypeError('x is undefined'), 'TypeError', 'x is undefined'],
    ['a class of its own', new Custom('mine'), 'Custom', 'mine'],
    ['a class that keeps the name of Error', new (class Plain extends Error {})('mine'), 'Plain', 'mine'],
    ['undefined', undefined, 'NonError', 'undefined'],
    ['null', null, 'NonError', 'null'],
    ['a string', 'no', 'NonError', 'no'],
    ['an object', { code: 7 }, 'NonError', '{"code":7}'],
    ['a symbol', Symbol('s'), 'NonError', 'Symbol(s)'],
    ['an object without a prototype', Object.create(null), 'NonError', '{}'],
    ['a throwing getter', throwing, 'NonError', 'something was thrown that cannot be described'],
    ['a frozen error', Object.freeze(new Error('cold')), 'Error', 'cold'],
  ])('describes %s', (_, thrown, name, message) => {
    expect(describeError(thrown)).toMatchObject({ name, message });
  });

  it('cuts what is huge', () => {
    expect(describeError(new Error('x'.repeat(1e6))).message).toHaveLength(8_192);
  });

  it('keeps the frames of a stack whose message is long', () => {
    const { stack } = describeError(new Error('x'.repeat(1_000_000)));
    expect(stack).toMatch(/^Error: x{505}…\n {4}at /);
  });
});
