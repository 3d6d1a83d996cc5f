import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describeEnvironment } from '../../src/config/environment';
import { HEADER } from '../../src/broker/headers';
import { anchorOf, blocks, headings, links, pages, root, target } from './pages';

/** Words that do not belong into what others read: notes to oneself, places that only we have. */
const FORBIDDEN = [
  /\bTODO\b/i,
  /\bFIXME\b/i,
  /\bTBD\b/,
  /lorem ipsum/i,
  /\/work\//,
  /\bshared\/(?:design|facts)/,
  /registry\.[a-z]+\.(?:org|com|io)/i,
];
/** Kubernetes injects these for a service named holdfast; pages may name them. */
const INJECTED = /^HOLDFAST_(?:SERVICE|PORT)_?/;

const everything = pages();
const read = (path: string): string => readFileSync(join(root, path), 'utf8');

describe.each(everything)('$path', (page) => {
  it('has links that lead somewhere', () => {
    const relative = links(page.text).filter((link) => !/^[a-z]+:/.test(link));
    const broken = relative.filter((link) => {
      const { path, anchor } = target(page, link);
      if (!existsSync(join(root, path))) return true;
      if (anchor === undefined) return false;
      return !headings(read(path)).some(({ words }) => anchorOf(words) === anchor);
    });
    expect(broken).toEqual([]);
  });

  it('names only settings that exist', () => {
    const known = describeEnvironment().flatMap(({ variable }) =>
      variable.secret ? [variable.name, `${variable.name}_FILE`] : [variable.name],
    );
    const named = [...page.text.matchAll(/\bHOLDFAST_[A-Z_]+[A-Z]\b/g)].map(([name]) => name);
    expect(named.filter((name) => !known.includes(name) && !INJECTED.test(name))).toEqual([]);
  });

  it('names only headers that exist', () => {
    const known: readonly string[] = Object.values(HEADER);
    const named = [...page.text.matchAll(/`(holdfast-[a-z-]+|x-(?:retry|transaction)-[a-z]+)`/g)].map(
      ([, name = '']) => name,
    );
    // The key of the demonstration is no header.
    expect(named.filter((name) => !known.includes(name) && name !== 'holdfast-demo-key')).toEqual([]);
  });

  it('names only metrics that exist', () => {
    const known = read('test/approved/metric-names.txt');
    const named = [...page.text.matchAll(/\bholdfast_[a-z_]+[a-z]\b/g)].map(([name]) => name);
    expect(named.filter((name) => !known.includes(`${name} `))).toEqual([]);
  });

  it('has no words that do not belong there', () => {
    expect(FORBIDDEN.filter((pattern) => pattern.test(page.text))).toEqual([]);
  });
});

describe('README.md and README.zh-CN.md', () => {
  const [english, chinese] = ['README.md', 'README.zh-CN.md'].map(read) as [string, string];
  const otherPage = (link: string): boolean => !/^README/.test(link);

  it('have the same headings, samples, tables and links', () => {
    const shape = (text: string): unknown => ({
      headings: headings(text).map(({ level }) => level),
      samples: blocks(text, 'ts').concat(blocks(text, 'sh'), blocks(text, 'dockerfile')),
      rows: text.match(/^\|/gm)?.length,
      items: text.match(/^(?:-|\d\.) /gm)?.length,
      links: links(text).filter(otherPage).sort(),
      commands: [...text.matchAll(/`npm [^`]+`/g)].map(([command]) => command),
    });
    expect(shape(chinese)).toEqual(shape(english));
  });

  it('begin their comparison with a test in every row', () => {
    const [, table = ''] = english.split('<!-- comparison -->');
    const rows = table
      .trim()
      .split('\n')
      .slice(2)
      .map((row) => row.split('|')[1] ?? '');
    expect(rows.length).toBeGreaterThan(3);
    expect(rows.filter((row) => !/\]\(test\/.+\.spec\.ts\)/.test(row))).toEqual([]);
  });

  it('name every command of the package and no other', () => {
    const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> };
    const named = [...english.matchAll(/`npm (?:run )?([a-z-]+)/g)].map(([, name = '']) => name);
    expect(named.filter((name) => !(name in scripts) && name !== 'pack')).toEqual([]);
    expect(named).toEqual(expect.arrayContaining(['demo', 'test', 'start', 'check', 'bench', 'down']));
  });

  it('show a handler of twelve lines', () => {
    expect(blocks(english, 'ts')[0]?.trimEnd().split('\n').length).toBeLessThanOrEqual(12);
  });
});

describe('the message lifecycle', () => {
  const page = read('docs/message-lifecycle.md');

  it('names every header, every outcome and every reason of the code', () => {
    const outcome = read('src/message/outcome.ts');
    const words = [...outcome.matchAll(/kind: '([a-z-]+)'|^ {2}\| '([a-z-]+)'/gm)].map(
      ([, kind, reason]) => kind ?? reason ?? '',
    );
    expect(words.length).toBeGreaterThan(15);
    expect([...Object.values(HEADER), ...words].filter((word) => !page.includes(`\`${word}\``))).toEqual([]);
  });

  it('names every table of the schema', () => {
    const files = readdirSync(join(root, 'migrations')).map((file) => read(join('migrations', file)));
    const tables = files.flatMap((sql) =>
      [...sql.matchAll(/create table holdfast\.(\w+)/g)].map(([, name]) => name),
    );
    expect(tables.length).toBeGreaterThan(3);
    expect(tables.filter((table) => !page.includes(`\`${String(table)}\``))).toEqual([]);
  });
});
