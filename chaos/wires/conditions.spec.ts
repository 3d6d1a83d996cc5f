import { CALM, conditionsOf, type Trouble } from './conditions';
import type { Direction } from './wire';

const half: Trouble = { kind: 'mute', direction: 'to-server' };
const slow: Trouble = { kind: 'throttle', direction: 'to-client', bytesPerSecond: 100 };

describe('conditions on a wire', () => {
  it.each<[string, readonly Trouble[], Direction]>([
    ['nothing is wrong', [], 'to-server'],
    ['new connections are refused', [{ kind: 'refuse' }], 'to-server'],
    ['the other direction is mute', [half], 'to-client'],
    ['the other direction is throttled', [slow], 'to-server'],
  ])('are calm when %s', (_, troubles, direction) => {
    // The same object: the quick way of a chunk asks for no more.
    expect(conditionsOf(troubles, direction)).toBe(CALM);
  });

  it.each<[string, readonly Trouble[], Direction, object]>([
    ['mute one way', [half], 'to-server', { muted: true }],
    ['held both ways', [{ kind: 'hold' }], 'to-client', { held: true }],
    [
      'the sum of all delays',
      [{ kind: 'delay', ms: 20 }, half, { kind: 'delay', ms: 5 }],
      'to-client',
      { delayMs: 25 },
    ],
    [
      'the slowest of all throttles',
      [slow, { ...slow, bytesPerSecond: 7 }, slow],
      'to-client',
      { bytesPerSecond: 7 },
    ],
  ])('are %s', (_, troubles, direction, changed) => {
    expect(conditionsOf(troubles, direction)).toEqual({ ...CALM, ...changed });
  });
});
