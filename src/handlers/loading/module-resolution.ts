import Module from 'node:module';
import { join, sep } from 'node:path';

/** What Node calls for every `require`; not in its typings because it is not documented, yet kept stable for its many users. */
interface Resolver {
  _resolveFilename(
    request: string,
    parent: { filename?: string | null } | undefined,
    ...rest: unknown[]
  ): string;
}

/**
 * Classes of these are compared by identity: Nest injects by class, TypeORM finds entities by it. A second copy, from the
 * handlers' own node_modules, would look right and never match.
 */
const OURS = /^(?:holdfast|typeorm|reflect-metadata|@nestjs\/(?:common|core|microservices))(?:\/|$)/;

const PACKAGE_ROOT = join(__dirname, '..', '..', '..');

/**
 * Makes `require('holdfast')` of handler modules lead to this running package, wherever they lie, and lets them use its
 * dependencies (`@nestjs/*`, `typeorm`, `zod`, …) where they bring none of their own.
 *
 * Hazard: `_resolveFilename` is one function for the whole process. Therefore it is wrapped only once, only requests from
 * files below the given folders are looked at, and everything else goes straight through.
 * @returns a function that ends it.
 */
export function resolveForHandlers(folders: readonly string[]): () => void {
  const resolver = Module as unknown as Resolver;
  // eslint-disable-next-line @typescript-eslint/unbound-method -- called with `this` below
  const original = resolver._resolveFilename;
  const isHandler = (file: string): boolean =>
    folders.some(
      (folder) => file === folder || file.startsWith(folder.endsWith(sep) ? folder : folder + sep),
    );

  const resolve: Resolver['_resolveFilename'] = function (this: unknown, request, parent, ...rest) {
    if (!parent?.filename || !isHandler(parent.filename))
      return original.call(this, request, parent, ...rest);
    if (OURS.test(request)) return ours(request);
    try {
      return original.call(this, request, parent, ...rest);
    } catch (error) {
      if (!isBare(request)) throw error;
      try {
        return ours(request);
      } catch {
        // The handlers' own error names the file that asks.
        throw error;
      }
    }
  };
  const ours = (request: string): string =>
    request === 'holdfast'
      ? join(__dirname, '..', '..', 'index.js')
      : require.resolve(request, { paths: [PACKAGE_ROOT] });

  resolver._resolveFilename = resolve;
  return () => {
    if (resolver._resolveFilename === resolve) resolver._resolveFilename = original;
  };
}

function isBare(request: string): boolean {
  return !request.startsWith('.') && !request.startsWith('/') && !/^[A-Za-z]:[\\/]/.test(request);
}
