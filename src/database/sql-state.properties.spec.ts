import fc from 'fast-check';
import { anything } from '../../test/support/hostile-values';
import { examinable } from '../message/message.module';
import { classifySqlError, sqlStateOf } from './sql-state';

const state = fc.stringMatching(/^[0-9A-Z]{5}$/);

function sqlError(code: unknown, severity: unknown = 'ERROR'): Error {
  return Object.assign(new Error('no'), { code, severity });
}

/** As TypeORM and handlers wrap an error of the driver. */
function wrapped(error: Error, ways: readonly ('driverError' | 'cause')[]): Error {
  return ways.reduce<Error>((inner, way) => Object.assign(new Error('outer'), { [way]: inner }), error);
}

describe('an SQL state', () => {
  it('is found through up to four wrappers, and not further', () => {
    const ways = fc.array(fc.constantFrom('driverError' as const, 'cause' as const), { maxLength: 6 });
    fc.assert(
      fc.property(state, ways, (code, around) => {
        expect(sqlStateOf(wrapped(sqlError(code), around))).toBe(around.length < 5 ? code : undefined);
      }),
    );
  });

  it('is nobody’s who is no error of Postgres, whatever it is', () => {
    fc.assert(
      fc.property(anything(), anything(), ({ make }, other) => {
        expect(sqlStateOf(examinable(make()))).toBeUndefined();
        const code = other.make();
        fc.pre(typeof code !== 'string' || !/^[0-9A-Z]{5}$/.test(code));
        expect(classifySqlError(sqlError(code))).toBeUndefined();
        expect(classifySqlError(sqlError('40001', null))).toBeUndefined();
      }),
    );
  });

  it('is of exactly one kind', () => {
    fc.assert(
      fc.property(state, (code) => {
        const kind = classifySqlError(sqlError(code));
        const expected =
          code === '40001' || code === '40P01'
            ? 'contention'
            : code === '55P03'
              ? 'lock-timeout'
              : (/^(08|53|58)/.test(code) && code !== '08P01') || /^(57P0[1-5]|25006|XX00[12])$/.test(code)
                ? 'infrastructure'
                : 'statement';
        expect(kind).toBe(expected);
      }),
      {
        numRuns: 500,
        examples: [
          '40001',
          '40P01',
          '55P03',
          '08P01',
          '08006',
          '57P01',
          '57014',
          '25006',
          'XX000',
          'XX001',
        ].map((code) => [code]),
      },
    );
  });

  it('of an error that causes itself is looked for no longer than that of others', () => {
    const round = new Error('round');
    round.cause = round;
    expect(sqlStateOf(round)).toBeUndefined();
  });
});
