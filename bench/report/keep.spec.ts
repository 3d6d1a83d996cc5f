import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Part } from '../part';
import { barPicture } from './bars';
import { filesOf, keep } from './keep';
import { MADE_UP, resultWith, runsOf } from './made-up';
import type { Results } from './results';

const partNamed = (name: string): Part => ({
  ...MADE_UP,
  name,
  title: `Part ${name}`,
  measure: () => Promise.resolve({}),
  picture: barPicture,
});
const PARTS = [partNamed('a'), partNamed('b')];
const measured = (name: string, perSecond: number): ReturnType<typeof resultWith> =>
  resultWith({ peer: runsOf({ perSecond }) }, partNamed(name));

describe('what a run leaves', () => {
  let root: string;
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'holdfast-bench-'));
    mkdirSync(join(root, 'docs'));
    writeFileSync(page(), 'top\n<!-- bench: begin -->\n<!-- bench: end -->\n');
  });
  afterEach(() => {
    rmSync(root, { recursive: true });
  });
  const page = (): string => join(root, 'docs', 'benchmarks.md');

  it('of whole parts: results, pictures and the page, in which only what was measured again changes', () => {
    const files = filesOf(root, true);
    keep(files, PARTS, [measured('b', 100)]);
    keep(files, PARTS, [measured('a', 200)]);
    keep(files, PARTS, [measured('b', 300)]);
    const { parts } = JSON.parse(readFileSync(files.results, 'utf8')) as Results;
    expect(parts.map(({ name, variants }) => [name, variants[0]?.figures['perSecond']?.median])).toEqual([
      ['a', 200],
      ['b', 300],
    ]);
    const written = readFileSync(page(), 'utf8');
    expect(written).toMatch(/^top\n[\s\S]*### Part a[\s\S]*\| 200 \(200–200\)[\s\S]*### Part b/);
    expect(written).toContain('![Part b](images/bench-b.svg)');
    expect(written).not.toContain('100 (100–100)');
    expect(readFileSync(join(root, 'docs', 'images', 'bench-b.svg'), 'utf8')).toContain('300');
  });

  it('of a hasty run: nothing that git sees', () => {
    const before = readFileSync(page(), 'utf8');
    const files = filesOf(root, false);
    keep(files, PARTS, [measured('a', 200)]);
    expect(files.results.startsWith(join(root, '.holdfast'))).toBe(true);
    expect(readFileSync(page(), 'utf8')).toBe(before);
  });
});
