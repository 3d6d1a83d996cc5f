import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';

export const root = join(__dirname, '..', '..');

/** A page of the documentation. */
export interface Page {
  /** As in the repository: `docs/handlers.md`. */
  readonly path: string;
  readonly text: string;
}

/** Every page that people read: those of the root and of docs/, at any depth. */
export function pages(): Page[] {
  const docs = readdirSync(join(root, 'docs'), { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.md'))
    .map((path) => join('docs', path));
  const own = ['README.md', 'README.zh-CN.md', 'CONTRIBUTING.md', 'CHANGELOG.md'];
  return [...own, ...docs].map((path) => ({ path, text: readFileSync(join(root, path), 'utf8') }));
}

/** The fenced blocks of one language, in order. */
export function blocks(text: string, language: string): string[] {
  return [...text.matchAll(/^```(\w*)\n([\s\S]*?)^```$/gm)]
    .filter(([, named]) => named === language)
    .map(([, , code = '']) => code);
}

/** Headings outside fenced blocks: level and words. */
export function headings(text: string): { level: number; words: string }[] {
  return [...withoutBlocks(text).matchAll(/^(#{1,6}) (.+)$/gm)].map(([, marks = '', words = '']) => ({
    level: marks.length,
    words,
  }));
}

/** A target that stands at the end of a page for the links that name it: `[label]: target "title"`. */
export interface Reference {
  readonly label: string;
  readonly target: string;
  readonly title: string | undefined;
}

export function references(text: string): Reference[] {
  const found = withoutBlocks(text).matchAll(/^\[([^\]]+)\]: (\S+)(?: ["'](.+)["'])?$/gm);
  return [...found].map(([, label = '', target = '', title]) => ({ label, target, title }));
}

/** Targets of links, outside fenced blocks. */
export function links(text: string): string[] {
  const inline = withoutBlocks(text).matchAll(/\]\(<?([^)\s>]+)>?(?: ["'][^)]*["'])?\)/g);
  return [...inline].map(([, target = '']) => target).concat(references(text).map(({ target }) => target));
}

/** Where a relative link of a page leads, as a path in the repository, and its anchor. */
export function target(page: Page, link: string): { path: string; anchor: string | undefined } {
  const [path = '', anchor] = link.split('#');
  const full = path === '' ? join(root, page.path) : join(root, dirname(page.path), path);
  return { path: relative(root, full), anchor };
}

/** The anchor a heading gets where pages are shown. */
export function anchorOf(words: string): string {
  return words
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
    .trim()
    .replaceAll(/\s/g, '-');
}

function withoutBlocks(text: string): string {
  return text.replaceAll(/^```[\s\S]*?^```$/gm, '');
}
