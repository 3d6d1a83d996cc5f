import type { Part } from '../part';
import { idempotent } from './idempotent';
import { plain } from './plain';

/** All of them, in the order of the page. */
export const PARTS: readonly Part[] = [plain, idempotent];
