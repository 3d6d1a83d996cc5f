import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as ts from 'typescript';
import { root } from './pages';

const BLOCKS = ['describe', 'it', 'test'];

/**
 * The sentences of a spec file: the words of each test after those of the blocks around it, as jest prints them. What a table of cases
 * fills in (`%s`) is written `…`.
 * @param path in the repository.
 */
export function sentences(path: string): string[] {
  const text = readFileSync(join(root, path), 'utf8');
  const found: string[] = [];
  const visit = (node: ts.Node, around: readonly string[]): void => {
    const words = ts.isCallExpression(node) ? wordsOf(node) : undefined;
    const here = words === undefined ? around : [...around, words];
    if (words !== undefined && !hasBlocks(node)) found.push(here.join(' '));
    node.forEachChild((child) => {
      visit(child, here);
    });
  };
  visit(ts.createSourceFile(path, text, ts.ScriptTarget.Latest), []);
  return found;
}

/** The first argument of `it('…')`, `describe('…')` or `it.each([…])('…')`. */
function wordsOf(call: ts.CallExpression): string | undefined {
  const [words] = call.arguments;
  if (!words || !ts.isStringLiteralLike(words) || !BLOCKS.includes(rootOf(call.expression))) return undefined;
  return words.text.replaceAll(/%[a-z]/g, '…');
}

function rootOf(expression: ts.Expression): string {
  if (ts.isIdentifier(expression)) return expression.text;
  if (ts.isPropertyAccessExpression(expression) || ts.isCallExpression(expression))
    return rootOf(expression.expression);
  return '';
}

function hasBlocks(node: ts.Node): boolean {
  return (
    node.forEachChild(
      (child) =>
        (ts.isCallExpression(child) && wordsOf(child) !== undefined) || hasBlocks(child) || undefined,
    ) ?? false
  );
}
