import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Part } from '../part';
import { toMarkdown } from './markdown';
import { withResults } from './page';
import { merged, type PartResult, type Results } from './results';

/** Where whole parts are kept; what a hasty or narrowed run yields goes where git does not look. */
export interface Files {
  readonly results: string;
  readonly images: string;
  /** Undefined: no page shows it. */
  readonly page: string | undefined;
}

export function filesOf(root: string, isWhole: boolean): Files {
  return isWhole
    ? {
        results: join(root, 'bench', 'results', 'latest.json'),
        images: join(root, 'docs', 'images'),
        page: join(root, 'docs', 'benchmarks.md'),
      }
    : {
        results: join(root, '.holdfast', 'bench-results.json'),
        images: join(root, '.holdfast', 'bench-images'),
        page: undefined,
      };
}

/** Writes what was measured beside what was known of the other parts. @param parts all there are, in the order of the page. */
export function keep(files: Files, parts: readonly Part[], measured: readonly PartResult[]): void {
  const order = parts.map(({ name }) => name);
  const results = merged(readKept(files.results), measured, order);
  write(files.results, `${JSON.stringify(results, undefined, 2)}\n`);
  for (const result of measured) {
    const svg = parts.find(({ name }) => name === result.name)?.picture?.(result);
    if (svg !== undefined) write(join(files.images, `bench-${result.name}.svg`), svg);
  }
  if (files.page === undefined) return;
  const drawn = parts.filter(({ picture }) => picture).map(({ name }) => name);
  write(
    files.page,
    withResults(readFileSync(files.page, 'utf8'), toMarkdown(results, { folder: 'images', drawn })),
  );
}

function readKept(path: string): Results {
  return existsSync(path) ? (JSON.parse(readFileSync(path, 'utf8')) as Results) : { parts: [] };
}

function write(path: string, content: string): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, content);
}
