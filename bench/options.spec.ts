import { helpOf, isWhole, readOptions } from './options';

const KNOWN = [
  { name: 'plain', variants: [{ name: 'amqplib' }, { name: 'holdfast' }] },
  { name: 'retry', variants: [{ name: 'golevelup' }] },
];
const read = (...given: string[]): ReturnType<typeof readOptions> => readOptions(given, KNOWN);

describe('the options of the bench', () => {
  it('measures everything unless told otherwise', () => {
    expect(read()).toEqual({
      help: false,
      quick: false,
      parts: [],
      only: [],
      rounds: undefined,
      profile: false,
    });
  });

  it.each([
    [['--part', 'plain'], { parts: ['plain'] }],
    [['--part', 'plain', '--part', 'retry'], { parts: ['plain', 'retry'] }],
    [['--part=plain,retry'], { parts: ['plain', 'retry'] }],
    [['--only', 'amqplib,golevelup'], { only: ['amqplib', 'golevelup'] }],
    [['--rounds', '7'], { rounds: 7 }],
    [['--quick', '--profile'], { quick: true, profile: true }],
  ])('reads %j', (given, expected) => {
    expect(read(...given)).toMatchObject(expected);
  });

  it.each([
    [['--part', 'plane'], '--part plane: there is none; choose from plain, retry'],
    // Known, but of a part that is not measured: the run would measure nothing and look like success.
    [
      ['--part', 'plain', '--only', 'golevelup'],
      '--only golevelup: there is none; choose from amqplib, holdfast',
    ],
    [['--rounds', '0'], '--rounds 0: a whole number from 1 on is needed'],
    [['--rounds', 'x'], '--rounds x: a whole number from 1 on is needed'],
  ])('refuses %j and says what may be', (given, message) => {
    expect(() => read(...given)).toThrow(message);
  });

  it('refuses options that it does not know', () => {
    expect(() => read('--quik')).toThrow('--quik');
  });

  it.each([
    [[], true],
    [['--part', 'plain'], true],
    [['--quick'], false],
    [['--only', 'amqplib'], false],
    [['--rounds', '9'], false],
    [['--profile'], false],
  ])('tells whether %j measures whole parts, which alone are kept', (given, expected) => {
    expect(isWhole(read(...given))).toBe(expected);
  });

  it('names every part and variant in its help', () => {
    expect(helpOf(KNOWN)).toContain('  plain: amqplib, holdfast\n  retry: golevelup');
  });
});
