import { createRequire } from 'node:module';
import { dirname, extname, join } from 'node:path';
import { classesOf, type HandlerClasses, sortClasses } from './handler-classes';
import { listFiles } from './handler-files';

const load = createRequire(__filename);

/**
 * The example domain. Loaded only when it is wanted, because a decorated class that is loaded and not provided stops the boot.
 * @param withPayments false where there is no payment service to ask.
 */
export function loadExample({ withPayments }: { withPayments: boolean }): HandlerClasses {
  const files = listFiles(join(dirname(__dirname), 'orders'))
    .filter((file) => extname(file) === extname(__filename) && !/\.(?:d|spec)\.ts$/.test(file))
    .filter((file) => withPayments || !file.includes('payment.'));
  return sortClasses(files.flatMap((file) => classesOf(load(file))));
}
