import { createHash } from 'node:crypto';
import { realpathSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The checkout these scripts belong to; links are resolved so that one checkout has one identity. */
export const root = realpathSync(fileURLToPath(new URL('../..', import.meta.url)));

/** Everything the set-up step creates in the checkout; ignored by git, removed by `npm run down`. */
export const stateDir = join(root, '.holdfast');

/** Tells two checkouts on one machine apart: in node names, process titles, temporary folders and ports. */
export const checkoutId = createHash('sha256').update(root).digest('hex').slice(0, 8);
