/** What becomes of our messages on the broker by somebody else's doing. */
export type FindingKind =
  /** Messages are lost or pushed out, unhandled. */
  | 'drops'
  /** Messages end before their time. */
  | 'expires'
  /** Messages go another way than planned. */
  | 'reroutes'
  /** A queue is deleted with what is in it. */
  | 'deletes'
  /** The broker takes no more messages. */
  | 'refuses'
  /** A guarantee is less than planned; nothing is lost as long as all goes well. */
  | 'weakens'
  /** A quorum queue has too few members. */
  | 'unreplicated'
  /** A queue or an exchange is gone. */
  | 'missing';

export const FINDING_KINDS: readonly FindingKind[] = [
  'drops',
  'expires',
  'reroutes',
  'deletes',
  'refuses',
  'weakens',
  'unreplicated',
  'missing',
];

/** One way in which the topology in force differs from the one our guarantees rest on. */
export interface Finding {
  /** Name of the queue or exchange. */
  readonly object: string;
  readonly kind: FindingKind;
  /** The policy or operator policy that does it; null where none does, or where it cannot be seen. */
  readonly policy: string | null;
  /** The key of that policy, or the setting that is missing: `message-ttl`, `overflow`. */
  readonly key: string | null;
  readonly value: string | number | null;
  /** What it does to messages, in words. */
  readonly effect: string;
  readonly mend: string;
}

/** What is known of the policies that lie over our queues. */
export type PolicyState =
  /** They are read and judged. */
  | 'read'
  /** The management API does not answer, or not with them. */
  | 'unreadable'
  /** Its address is not set. */
  | 'not-configured';
