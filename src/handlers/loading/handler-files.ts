import { readdirSync, realpathSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { HandlerLoadError } from './handler-load-error';

/** A folder or a file that was named, and the files with code in it. */
export interface HandlerPlace {
  /** As it was written. */
  readonly name: string;
  /** Absolute and free of links, as Node names modules. */
  readonly path: string;
  readonly files: readonly string[];
}

const COMPILED = /(?<!\.(?:spec|test))\.(?:js|cjs)$/;

/** @throws HandlerLoadError when the place does not exist or holds nothing that could be loaded. */
export function findHandlerFiles(name: string): HandlerPlace {
  const path = realPathOf(name);
  if (!statSync(path).isDirectory()) {
    if (!/\.c?js$/.test(path)) throw notCompiled(name, 'is not a .js or .cjs file');
    return { name, path, files: [path] };
  }
  const all = listFiles(path);
  const files = all.filter((file) => COMPILED.test(file));
  if (files.length > 0) return { name, path, files };
  if (all.some((file) => file.endsWith('.ts'))) throw notCompiled(name, 'holds TypeScript only');
  throw notCompiled(name, 'holds no .js or .cjs file');
}

/** Every file below a folder in a stable order, without the folder's own dependencies and hidden folders. */
export function listFiles(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true })
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap((entry) => {
      if (entry.name === 'node_modules' || entry.name.startsWith('.')) return [];
      const path = join(folder, entry.name);
      // Asked of the target: Kubernetes mounts a config map as links.
      return statSync(path).isDirectory() ? listFiles(path) : [path];
    });
}

function realPathOf(name: string): string {
  try {
    return realpathSync(resolve(name));
  } catch (error) {
    throw new HandlerLoadError(
      `HOLDFAST_HANDLERS names ${JSON.stringify(name)}, and ${resolve(name)} does not exist. ` +
        'Correct the path, or mount the folder there.',
      { cause: error },
    );
  }
}

function notCompiled(name: string, what: string): HandlerLoadError {
  return new HandlerLoadError(
    `HOLDFAST_HANDLERS names ${JSON.stringify(name)}, which ${what}. ` +
      'Compile the handlers first (npx tsc --module commonjs --outDir …) and name the folder with the result.',
  );
}
