import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { repositoryRoot } from '../support/servers';

interface LockFile {
  readonly packages: Readonly<Record<string, { readonly optionalDependencies?: Record<string, string> }>>;
}

/** npm leaves out what a registry does not have while it locks, and `npm ci` then refuses the lock file it wrote. */
it.each([
  ['of the service', 'package-lock.json'],
  ['of what it is measured beside', 'bench/peers/package-lock.json'],
])('the lock file %s names the builds of every platform, or npm ci refuses it on all of them', (_, path) => {
  const { packages } = JSON.parse(readFileSync(join(repositoryRoot, path), 'utf8')) as LockFile;
  const wanted = Object.values(packages).flatMap(({ optionalDependencies = {} }) =>
    Object.keys(optionalDependencies),
  );
  const locked = new Set(Object.keys(packages).map((path) => path.replace(/^.*node_modules\//, '')));
  expect(wanted.filter((name) => !locked.has(name))).toEqual([]);
});
