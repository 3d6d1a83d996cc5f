import fc from 'fast-check';

/** Everything JavaScript can throw, return or be given, by a name to find it by: none of these may get out of hand. */
export const HOSTILE_VALUES: Readonly<Record<string, () => unknown>> = {
  undefined: () => undefined,
  null: () => null,
  'a string': () => 'broken',
  'an empty string': () => '',
  'a long string': () => 'x'.repeat(100_000),
  'a lone surrogate': () => 'a\ud800b\udfff',
  'a NUL': () => 'a\0b',
  NaN: () => NaN,
  'a bigint': () => 10n ** 100n,
  'a symbol': () => Symbol('s'),
  'a function': () => () => undefined,
  'a list of nothing': () => new Array<unknown>(5),
  'a cyclic object': cyclic,
  'an object without a prototype': () => Object.create(null) as unknown,
  'a map': () => new Map([[1, 2]]),
  'an object whose toString throws': () => throwing('toString'),
  'an object whose toJSON throws': () => throwing('toJSON'),
  'an object whose toPrimitive throws': () => throwing(Symbol.toPrimitive),
  'an object whose toString is none': () => ({ toString: 7, valueOf: 7 }),
  'an object with a throwing message': () => withGetter({}, 'message'),
  'a bigint in an object': () => ({ n: 1n }),
  'a revoked Proxy': revoked,
  'a Proxy that throws at every look': () => hostileProxy(() => new Error('no')),
  'a Proxy that throws itself at every look': () => hostileProxy(),
  'a Proxy around an error': () => new Proxy(new Error('inside'), { getPrototypeOf: () => refuse() }),
  'a thenable that never settles': () => ({ then: () => undefined }),
  'a thenable that throws': () => ({ then: () => refuse() }),
  'an error': () => new TypeError('x'),
  'a frozen error': () => Object.freeze(new Error('cold')),
  'an error without a prototype': () => Object.setPrototypeOf(new Error('x'), null) as unknown,
  'an error without a constructor': () => Object.assign(new Error('x'), { constructor: undefined }),
  'an error of another realm': () =>
    Object.setPrototypeOf(new Error('x'), Object.create(Object.prototype) as object) as unknown,
  'an error with a huge message': () => new Error('x'.repeat(10_000_000)),
  'an error with a symbol for a name': () => Object.assign(new Error('x'), { name: Symbol('n') }),
  'an error with an object for a message': () =>
    Object.assign(new Error('x'), { message: Object.create(null) as unknown }),
  'an error whose toString throws': () => Object.assign(new Error('x'), { toString: refuse }),
  'an error with a symbol for a name and words of its own': () =>
    Object.assign(new Error('x'), { name: Symbol('n'), toString: () => 'words' }),
  'an error caused by one with a throwing cause': () =>
    new Error('x', { cause: withGetter(new Error('y'), 'cause') }),
  'an error that causes itself': selfCaused,
  'an AggregateError of itself': selfAggregated,
  'an error caused by a hostile Proxy': () => new Error('x', { cause: hostileProxy() }),
  ...Object.fromEntries(
    ['message', 'name', 'stack', 'cause', 'code', 'severity', 'driverError', 'constructor'].flatMap((key) => [
      [`an error with a throwing ${key}`, () => withGetter(new Error('x'), key)],
      [`an error whose ${key} throws a hostile Proxy`, () => withGetter(new Error('x'), key, hostileProxy)],
    ]),
  ),
};

/** A value behind a function, because looking at it, even to print it after a failure, may throw. */
export interface Hostile {
  readonly make: () => unknown;
}

/** One of them, or whatever fast-check thinks of. */
export function anything(): fc.Arbitrary<Hostile> {
  const named = fc
    .constantFrom(...Object.keys(HOSTILE_VALUES))
    .map((name) => hostile(HOSTILE_VALUES[name]!, name));
  const made = fc
    .anything({ withBigInt: true, withNullPrototype: true, withSparseArray: true, withMap: true })
    .map((value) => hostile(() => value, fc.stringify(value)));
  return fc.oneof({ weight: 3, arbitrary: named }, { weight: 2, arbitrary: made });
}

function hostile(make: () => unknown, label: string): Hostile {
  return Object.assign({ make }, { [fc.toStringMethod]: () => label });
}

function cyclic(): unknown {
  const value: Record<string, unknown> = {};
  value['self'] = value;
  return value;
}

function selfCaused(): Error {
  const error = new Error('round');
  return Object.assign(error, { cause: error });
}

function selfAggregated(): Error {
  const error = new AggregateError([], 'round');
  error.errors.push(error);
  return error;
}

function throwing(key: PropertyKey): object {
  return { [key]: refuse };
}

function withGetter(
  target: object,
  key: string,
  thrown: () => unknown = () => new Error('in the getter'),
): object {
  return Object.defineProperty(target, key, {
    get: () => {
      throw thrown();
    },
  });
}

function revoked(): unknown {
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  return proxy;
}

function hostileProxy(thrown: () => unknown = hostileProxy): unknown {
  const fail = (): never => {
    throw thrown();
  };
  return new Proxy(function target() {}, {
    get: fail,
    getPrototypeOf: fail,
    getOwnPropertyDescriptor: fail,
    has: fail,
    ownKeys: fail,
    apply: fail,
  });
}

function refuse(): never {
  throw new Error('no');
}
