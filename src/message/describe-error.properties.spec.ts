import fc from 'fast-check';
import { anything, HOSTILE_VALUES } from '../../test/support/hostile-values';
import { describeError, examinable } from './describe-error';

/** Takes every look that the house takes at what was thrown. Not jest's `toThrow`, which looks at what is thrown itself. */
function canBeLookedAt(thrown: unknown): boolean {
  try {
    for (let at = thrown, depth = 0; at instanceof Error && depth < 5; depth++) {
      const { code, severity, driverError, cause } = at as unknown as Record<string, unknown>;
      /^x/.test(`${at.name} ${at.message} ${String(at)}`);
      /^x/.test(`${typeof code} ${typeof severity}`);
      at = driverError instanceof Error && driverError !== at ? driverError : cause;
    }
    return true;
  } catch {
    return false;
  }
}

describe('describeError, of anything', () => {
  it('never throws, and says something of bounded length that is well-formed', () => {
    fc.assert(
      fc.property(anything(), ({ make }) => {
        const { name, message, stack } = describeError(make());
        expect(name).not.toBe('');
        expect(name.length).toBeLessThanOrEqual(128);
        expect(message.length).toBeLessThanOrEqual(8_192);
        expect(stack?.length ?? 0).toBeLessThanOrEqual(8_192);
        for (const text of [name, message, stack ?? '']) expect(text.isWellFormed()).toBe(true);
      }),
      { numRuns: 300 },
    );
  });

  it('tells name and message of an error, whatever they are', () => {
    const text = fc.string({ unit: 'binary', maxLength: 100 });
    fc.assert(
      fc.property(text, text, (name, message) => {
        fc.pre(name !== '' && name !== 'Error');
        const described = describeError(Object.assign(new Error(message), { name }));
        expect(described).toMatchObject({ name: name.toWellFormed(), message: message.toWellFormed() });
      }),
    );
  });

  it.each([
    ['name', { name: 'Error', message: 'x' }],
    ['message', { name: 'Error', message: 'something was thrown that cannot be described' }],
    ['stack', { name: 'Error', message: 'x', stack: undefined }],
  ])('tells the rest of an error whose %s throws', (key, told) => {
    expect(describeError(HOSTILE_VALUES[`an error with a throwing ${key}`]!())).toMatchObject(told);
  });
});

describe('examinable, of anything', () => {
  it('can be looked at, and is what was thrown wherever that can be', () => {
    fc.assert(
      fc.property(anything(), ({ make }) => {
        const thrown = make();
        const kept = examinable(thrown);
        expect(canBeLookedAt(kept)).toBe(true);
        if (canBeLookedAt(thrown)) expect(Object.is(kept, thrown)).toBe(true);
        else expect(kept).toMatchObject({ name: 'NonError', message: describeError(thrown).message });
      }),
      { numRuns: 300 },
    );
  });
});
