import { isDatabaseAway } from './database-away';

const failure = (message: string, fields: object = {}): Error => Object.assign(new Error(message), fields);

describe('isDatabaseAway', () => {
  it.each([
    ['connection refused', failure('connect', { code: 'ECONNREFUSED' }), true],
    ['both addresses refused', new AggregateError([failure('connect', { code: 'ECONNREFUSED' })]), true],
    ['shutting down', failure('terminating', { code: '57P01', severity: 'FATAL' }), true],
    ['cut', failure('Connection terminated unexpectedly'), true],
    ['wrapped', new Error('query failed', { cause: failure('x', { code: 'ECONNRESET' }) }), true],
    ['a missing table', failure('no table', { code: '42P01', severity: 'ERROR' }), false],
    ['a bug', new TypeError('x is not a function'), false],
    ['not an error', 'ECONNREFUSED', false],
  ])('%s', (_name, error, away) => {
    expect(isDatabaseAway(error)).toBe(away);
  });
});
