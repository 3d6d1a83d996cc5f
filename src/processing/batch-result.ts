import { types } from 'node:util';

/** A handler of batches returned something that says nothing about its messages. */
export class BatchResultError extends Error {
  override readonly name = 'BatchResultError';
}

/**
 * What a handler of batches says of its messages. Pure.
 * @returns those that failed, each with its error.
 * @throws BatchResultError for what is neither nothing nor one entry for each message.
 */
export function readBatchResult<Member>(
  result: unknown,
  members: readonly Member[],
): ReadonlyMap<Member, unknown> {
  const failures = new Map<Member, unknown>();
  if (result === undefined) return failures;
  if (!Array.isArray(result)) throw wrong(members.length, `it returned ${nameOf(result)}`);
  if (result.length !== members.length)
    throw wrong(members.length, `it returned an array of ${String(result.length)}`);
  for (const [i, member] of members.entries()) {
    const entry: unknown = result[i];
    if (entry === undefined) continue;
    if (!isError(entry)) throw wrong(members.length, `entry ${String(i)} is ${nameOf(entry)}`);
    failures.set(member, entry);
  }
  return failures;
}

function wrong(count: number, found: string): BatchResultError {
  return new BatchResultError(
    `a handler of batches returns nothing, or an array with one entry for each of its messages (here ${String(count)}): undefined for one that is completed, an Error for one that failed; ${found}`,
  );
}

function isError(value: unknown): boolean {
  return value instanceof Error || types.isNativeError(value);
}

function nameOf(value: unknown): string {
  if (value === null) return 'null';
  return Array.isArray(value) ? 'an array' : `a value of type ${typeof value}`;
}
