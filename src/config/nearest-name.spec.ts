import { nearestName } from './nearest-name';

describe('nearestName', () => {
  const known = ['PORT', 'LOG_LEVEL', 'HOLDFAST_TIMEOUT', 'HOLDFAST_HANDLERS'];

  it.each([
    ['HOLDFAST_TIMEOUT_MS', 'HOLDFAST_TIMEOUT'],
    ['HOLDFAST_HANDLER', 'HOLDFAST_HANDLERS'],
    ['HOLDFAST_LOGLEVEL', 'LOG_LEVEL'],
    ['HOLDFAST_SOMETHING_ELSE', undefined],
  ])('%s is near %s', (name, nearest) => {
    expect(nearestName(name, known)).toBe(nearest);
  });
});
