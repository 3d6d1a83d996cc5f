import type { Part } from '../part';
import { duplicates } from './duplicates';
import { idempotent } from './idempotent';
import { bigInbox, inbox } from './inbox';
import { latency } from './latency';
import { memory } from './memory';
import { outbox } from './outbox';
import { plain } from './plain';
import { replay } from './replay';
import { retry } from './retry';

/** All of them, in the order of the page. */
export const PARTS: readonly Part[] = [
  plain,
  idempotent,
  duplicates,
  latency,
  retry,
  outbox,
  replay,
  memory,
  inbox,
  bigInbox,
];
