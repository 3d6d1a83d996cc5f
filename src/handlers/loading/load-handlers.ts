import { createRequire } from 'node:module';
import { basename, dirname, extname, join, sep } from 'node:path';
import type { Type } from '@nestjs/common';
import { classesOf, handlesMessages, type HandlerClasses, sortClasses } from './handler-classes';
import { findHandlerFiles, type HandlerPlace, listFiles } from './handler-files';
import { HandlerLoadError } from './handler-load-error';
import { resolveForHandlers } from './module-resolution';

/** Below `src/handlers`, these are not the user's: this loader, and the example domain, which is switched on by name. */
const NOT_HANDLERS = ['loading', 'orders'];

// By its own name, because a computed `require` is forbidden elsewhere: here the names come from the operator's configuration.
const load = createRequire(__filename);

/**
 * Loads the handler modules of the service: those in `src/handlers` and those in the named folders and files. What is
 * loaded runs with all rights of the process, so the names must come from configuration and never from a request.
 * @throws HandlerLoadError naming the place or the file and what mends it.
 */
export function loadHandlers(names: readonly string[]): HandlerClasses {
  const places = names.map(findHandlerFiles);
  // Never ended: handler modules may require more when they run.
  if (places.length > 0) resolveForHandlers(places.map(({ path }) => path));
  const foreign = places.flatMap(loadPlace);
  return sortClasses([...ownHandlerFiles().flatMap((file) => loadFile(file)), ...foreign]);
}

function loadPlace(place: HandlerPlace): Type[] {
  const classes = place.files.flatMap((file) => loadFile(file));
  if (classes.some(handlesMessages)) return classes;
  throw new HandlerLoadError(
    `HOLDFAST_HANDLERS names ${JSON.stringify(place.name)}, and none of its ${place.files.length} file(s) exports a handler. ` +
      'Export a class with a method decorated by @ReliableConsumer, imported from "holdfast".',
  );
}

function loadFile(file: string): Type[] {
  try {
    return classesOf(load(file));
  } catch (error) {
    throw new HandlerLoadError(`the handler file ${file} failed to load: ${reasonOf(error)}`, {
      cause: error,
    });
  }
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  // Node adds the chain of files that required it, line by line.
  const [reason = ''] = error.message.split('\n');
  return (error as NodeJS.ErrnoException).code === 'MODULE_NOT_FOUND'
    ? `${reason}. Install it beside the handlers (a node_modules folder there or above), or bundle it into the file.`
    : `${error.name}: ${reason}. Correct the file; it must be loadable by require().`;
}

/** Compiled or, under a test runner, not: those that are like this file. */
function ownHandlerFiles(): string[] {
  const folder = dirname(__dirname);
  return listFiles(folder).filter(
    (file) =>
      !NOT_HANDLERS.some((name) => file.startsWith(join(folder, name) + sep)) &&
      extname(file) === extname(__filename) &&
      !/\.(?:spec|test|d)$/.test(basename(file, extname(file))),
  );
}
