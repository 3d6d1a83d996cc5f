import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  createSourceFile,
  isExportDeclaration,
  isNamedExports,
  isTypeAliasDeclaration,
  isUnionTypeNode,
  ScriptTarget,
  type SourceFile,
} from 'typescript';
import * as holdfast from 'holdfast';
import { HEADER } from '../../src/broker/headers';
import { LADDER } from '../../src/topology/delay-walk';
import { names } from '../../src/topology/plan';
import { repositoryRoot } from '../support/servers';

const parse = (path: string): SourceFile =>
  createSourceFile(path, readFileSync(join(repositoryRoot, path), 'utf8'), ScriptTarget.ES2022);

/** What a file exports: values as they are, types marked as such. */
function exportsOf(path: string): string[] {
  const exported: string[] = [];
  for (const statement of parse(path).statements) {
    if (!isExportDeclaration(statement) || !statement.exportClause || !isNamedExports(statement.exportClause))
      continue;
    for (const { name, isTypeOnly } of statement.exportClause.elements)
      exported.push(isTypeOnly || statement.isTypeOnly ? `type ${name.text}` : name.text);
  }
  return exported.sort();
}

/** The members of a union of words. */
function wordsOf(path: string, alias: string): string[] {
  const file = parse(path);
  const words = file.statements.flatMap((statement) =>
    isTypeAliasDeclaration(statement) && statement.name.text === alias && isUnionTypeNode(statement.type)
      ? statement.type.types.map((type) => type.getText(file).replaceAll("'", ''))
      : [],
  );
  return words.sort();
}

/** Users, dashboards and scripts depend on these. Additions are welcome; a change needs a changelog entry and an upgrade note. */
describe('the public names', () => {
  it('of the package', () => {
    expect(exportsOf('src/index.ts')).toMatchSnapshot();
  });

  it('of the package, as they are loaded', () => {
    const values = exportsOf('src/index.ts').filter((name) => !name.startsWith('type '));
    expect(Object.keys(holdfast).sort()).toEqual(values);
  });

  it.each([
    ['reasons of dead letters', 'src/message/outcome.ts', 'DeadLetterReason'],
    ['reasons to leave a message with the broker', 'src/message/outcome.ts', 'ReleaseReason'],
    ['states of a consumer', 'src/message/events.ts', 'ConsumerState'],
    ['dependencies', 'src/message/events.ts', 'Dependency'],
    ['kinds of findings', 'src/message/finding.ts', 'FindingKind'],
    ['what is known of policies', 'src/message/finding.ts', 'PolicyState'],
    ['states of a message in the inbox', 'src/idempotency/claim.ts', 'InboxState'],
  ])('of %s', (_, path, alias) => {
    const words = wordsOf(path, alias);
    expect(words.length).toBeGreaterThan(1);
    expect(words).toMatchSnapshot();
  });

  it('of headers', () => {
    expect(Object.values(HEADER).sort()).toMatchSnapshot();
  });

  it('on the broker', () => {
    expect({
      dead: names.dead('<ns>'),
      due: names.due('<ns>'),
      unroutable: names.unroutable('<ns>'),
      deadLetters: names.deadLetters('<queue>'),
      tiers: LADDER.map((ms) => names.tier('<ns>', ms)),
    }).toMatchSnapshot();
  });

  it('of the stages middleware is ordered by', () => {
    expect(holdfast.MIDDLEWARE_ORDER).toMatchSnapshot();
  });
});
