import { StatementNames } from './statement-names';

const ask = (names: StatementNames, text: string, times: number): (string | undefined)[] =>
  Array.from({ length: times }, () => names.nameOf(text));

describe('names of statements', () => {
  it('names a text that is sent again and again, always the same', () => {
    const names = new StatementNames();
    const given = ask(names, 'select 1', 8);
    expect(given.slice(0, 5)).toEqual(Array(5).fill(undefined));
    expect(new Set(given.slice(5)).size).toBe(1);
    expect(given[5]).toMatch(/^holdfast_[\w-]{32}$/);
    expect(ask(new StatementNames(), 'select 1', 8)).toEqual(given);
  });

  it('tells texts apart', () => {
    const names = new StatementNames();
    expect(ask(names, 'select 1', 6).at(-1)).not.toBe(ask(names, 'select 2', 6).at(-1));
  });

  it('gives a bounded number of names, and keeps those it gave', () => {
    const names = new StatementNames();
    const first = ask(names, 'select 0', 6).at(-1);
    for (let n = 1; n < 1_000; n++) ask(names, `select ${n}`, 6);
    expect(ask(names, 'select 999', 6)).toEqual(Array(6).fill(undefined));
    expect(names.nameOf('select 0')).toBe(first);
  });

  it('gives no name to what is written anew each time', () => {
    const names = new StatementNames();
    for (let n = 0; n < 10_000; n++) expect(names.nameOf(`select ${n}`)).toBeUndefined();
  });

  it('takes a name back for good', () => {
    const names = new StatementNames();
    ask(names, 'select *', 6);
    names.refuse('select *');
    expect(ask(names, 'select *', 20)).toEqual(Array(20).fill(undefined));
  });
});
