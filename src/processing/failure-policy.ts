import { UnconfirmedError } from '../broker/broker.module';
import { classifySqlError, TransactionLostError } from '../database/database.module';
import {
  describeError,
  Discard,
  parseDuration,
  PermanentError,
  Rejected,
  RetryLater,
  ShutdownError,
  type Outcome,
} from '../message/message.module';
import { delayAfter, type HandlerDefinition } from '../registration/registration.module';

type Policy = Pick<HandlerDefinition, 'classify' | 'retry'>;

/** What becomes of a message whose handler threw. Pure: `random` picks the lane of a delay, from 0 up to 1. */
export function decideFailure(
  error: unknown,
  attempt: number,
  policy: Policy,
  random = Math.random,
): Outcome {
  if (error === undefined) return decideFailure(nothingThrown(), attempt, policy, random);
  if (error instanceof ShutdownError) return { kind: 'release', reason: 'shutdown', error };
  if (error instanceof TransactionLostError) return { kind: 'release', reason: 'database', error };
  if (error instanceof UnconfirmedError) return { kind: 'release', reason: 'publisher', error };
  if (error instanceof Discard) return { kind: 'discard', reason: error.reason };
  if (error instanceof Rejected) return { kind: 'dead-letter', reason: error.deadLetterReason, error };
  if (error instanceof PermanentError) return { kind: 'dead-letter', reason: 'permanent-error', error };
  if (error instanceof RetryLater) return retry(error, attempt, policy, () => error.delayMs);

  const verdict = policy.classify.find(({ when }) => fits(when, error))?.then ?? 'retry';
  if (verdict === 'dead-letter') return { kind: 'dead-letter', reason: 'permanent-error', error };
  if (verdict === 'discard') return { kind: 'discard', reason: describeError(error).message };
  if (verdict === 'retry')
    return retry(error, attempt, policy, () => delayAfter(policy.retry, attempt, random) ?? 0);
  return retry(error, attempt, policy, () => parseDuration(verdict.retryAfter));
}

/**
 * A loser of a race between transactions (serialization failure, deadlock, lock timeout, optimistic lock): the same message succeeds
 * when tried again at once.
 */
export function isContention(error: unknown): boolean {
  const failure = classifySqlError(error);
  if (failure === 'contention' || failure === 'lock-timeout') return true;
  return error instanceof Error && /^OptimisticLock(VersionMismatch)?Error$/.test(error.name);
}

function retry(error: unknown, attempt: number, { retry: schedule }: Policy, delay: () => number): Outcome {
  if (attempt >= schedule.attempts) return { kind: 'dead-letter', reason: 'attempts-exhausted', error };
  return { kind: 'retry', delayMs: delay(), reason: reasonOf(error), error };
}

/** `throw undefined`, or a promise rejected with nothing: an outcome without an error would say nothing about it. */
function nothingThrown(): Error {
  return Object.assign(new Error('undefined'), { name: 'NonError' });
}

/** A metric label: the error's class, never its text. */
function reasonOf(error: unknown): string {
  const { name } = describeError(error);
  return /^\w{1,60}$/.test(name) ? name : 'Error';
}

function fits(when: Policy['classify'][number]['when'], error: unknown): boolean {
  try {
    if (isErrorClass(when)) return error instanceof when;
    return when(error);
  } catch {
    // A predicate that fails on this error has not recognised it.
    return false;
  }
}

function isErrorClass(
  when: Policy['classify'][number]['when'],
): when is abstract new (...args: never[]) => unknown {
  // Only what `class` makes has a prototype that cannot be replaced; an arrow function has none at all.
  const isClass = Object.getOwnPropertyDescriptor(when, 'prototype')?.writable === false;
  return isClass || when.prototype instanceof Error;
}
