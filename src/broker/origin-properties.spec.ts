import fc from 'fast-check';
import { headerTable } from '../../test/support/amqp-arbitraries';
import { describeOrigin, readOrigin } from './origin-properties';

/** As deep as amqplib reads at most; JSON cannot write it. */
function deep(): unknown {
  let value: unknown = [];
  for (let i = 0; i < 10_000; i++) value = [value];
  return value;
}

describe('describeOrigin', () => {
  it('says nothing of nothing', () => {
    expect(describeOrigin({})).toBeUndefined();
  });

  it('tells all of what is short', () => {
    const withheld = { expiration: '100', CC: ['a', 'b'], 'x-death': [{ count: 1 }] };
    expect(JSON.parse(describeOrigin(withheld)!)).toEqual(withheld);
  });

  it('tells first what steers a message, and leaves out a history there is no room for', () => {
    const withheld = {
      'x-first-death-queue': 'q'.repeat(1_020),
      'x-death': ['short'],
      userId: 'u',
      CC: ['c'],
    };
    expect(describeOrigin(withheld)).toMatch(/^\{"userId":"u","CC":\["c"\],/);
    expect(JSON.parse(describeOrigin(withheld)!)).toMatchObject({
      CC: ['c'],
      userId: 'u',
      'x-death': ['short'],
    });
  });

  it('tells the beginning of what alone is too long', () => {
    const CC = Array.from({ length: 500 }, (_, i) => `queue-${i}`);
    const told = JSON.parse(describeOrigin({ CC, userId: 'u' })!) as { CC: string; userId: string };
    expect(told.userId).toBe('u');
    expect(told.CC).toMatch(/^\["queue-0","queue-1",.*…$/);
    expect(told.CC.length).toBeGreaterThan(350);
  });

  it('tells something of each that steers a message, however long the others are', () => {
    const told = JSON.parse(describeOrigin({ BCC: ['b'.repeat(1_000)], CC: ['c'.repeat(2_000)] })!) as object;
    expect(told).toEqual({ BCC: expect.stringMatching(/^\["b+…$/), CC: expect.stringMatching(/^\["c+…$/) });
  });

  it('tells that something is nested too deeply to be told', () => {
    expect(JSON.parse(describeOrigin({ CC: deep() })!)).toEqual({ CC: '(nested too deeply to be told)' });
  });

  it('is JSON of at most 1 KiB, whatever was withheld', () => {
    fc.assert(
      fc.property(fc.noShrink(headerTable), fc.nat(3_000), (withheld, length) => {
        const told = describeOrigin({
          ...withheld,
          userId: '"'.repeat(length),
          [`x-first-death-${'é'.repeat(length % 120)}`]: 1,
        });
        expect(Buffer.byteLength(told!)).toBeLessThanOrEqual(1_024);
        expect(JSON.parse(told!)).toHaveProperty('userId');
      }),
    );
  });
});

describe('readOrigin', () => {
  it('reads what describeOrigin has written', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.string()), (withheld) => {
        fc.pre(JSON.stringify(withheld).length < 700);
        expect(readOrigin(describeOrigin(withheld))).toEqual({ ...withheld });
      }),
    );
  });

  it.each([
    [undefined],
    [null],
    [7],
    ['no JSON'],
    ['[1]'],
    ['null'],
    ['"text"'],
    [`{"CC":"${'x'.repeat(1_024)}"}`],
  ])('takes %j for nothing of ours', (header) => {
    expect(readOrigin(header)).toEqual({});
  });
});
