import { Injectable } from '@nestjs/common';
import type { QueryConfig, QueryResult } from 'pg';
import {
  classifySqlError,
  Database,
  type HandlerTransaction,
  TransactionLostError,
} from '../database/database.module';
import { HandlerTimeoutError, type Outcome, ShutdownError } from '../message/message.module';
import { judgeClaim, type InboxKey } from './claim';
import { InboxStore } from './inbox.store';

/** A row that changes under our eyes more often than this is somebody else's for now. */
const LOOKS = 3;
/** How long a twin stands aside. */
const DEFER_MS = 5_000;

/** What travels in the packet of COMMIT, and commits with the rest or not at all. */
export interface LastStatement {
  /** Asked when the handler has ended and nothing gets through any more; undefined when there is nothing to write. */
  readonly write: () => QueryConfig | undefined;
  readonly committed: (result: QueryResult<Record<string, unknown>>) => void;
}

/**
 * The inbox row and everything the handler writes commit together, once per (consumer, transaction id). The unique key is the lock:
 * a twin waits for it until the first one has committed.
 */
@Injectable()
export class TransactionalMode {
  constructor(
    private readonly database: Database,
    private readonly inbox: InboxStore,
  ) {}

  /**
   * @param key undefined for a message that has no id and may be handled without one: a transaction, but no inbox row.
   * @param handle runs only if this delivery won; what it throws rolls everything back and comes out as it was thrown.
   * @param last what is written at the commit.
   * @throws TransactionLostError the database went away, or did not say whether it committed. The next delivery finds out.
   */
  async runOnce(
    key: InboxKey | undefined,
    handle: (transaction: HandlerTransaction) => Promise<void>,
    last?: LastStatement,
  ): Promise<Outcome> {
    for (let look = 0; look < LOOKS; look++) {
      const outcome = await this.tryOnce(key, handle, last);
      if (outcome !== 'again') return outcome;
    }
    return { kind: 'defer', reason: 'busy', delayMs: DEFER_MS };
  }

  private async tryOnce(
    key: InboxKey | undefined,
    handle: (transaction: HandlerTransaction) => Promise<void>,
    last: LastStatement | undefined,
  ): Promise<Outcome | 'again'> {
    const transaction = await this.database.openHandlerTransaction();
    try {
      const judged = key ? await this.claim(transaction, key) : await this.beginOnly(transaction);
      if (judged !== 'claimed') {
        await transaction.rollback();
        return judged;
      }
      await handle(transaction);
      const result = await transaction.commit(last?.write());
      if (result) last?.committed(result);
      return { kind: 'completed' };
    } catch (error) {
      // The handler may still be using the connection; a rollback would queue up behind its statement.
      if (error instanceof HandlerTimeoutError || error instanceof ShutdownError) await transaction.abort();
      else await transaction.rollback();
      throw lossOf(transaction, error);
    }
  }

  private async claim(
    transaction: HandlerTransaction,
    key: InboxKey,
  ): Promise<Outcome | 'again' | 'claimed'> {
    try {
      if (await this.inbox.beginWithClaim(transaction, key)) return 'claimed';
      const found = await this.inbox.readClaim(transaction, key);
      const judged = judgeClaim(found, key);
      if (judged !== 'take-over') return judged;
      const taken = await this.inbox.takeOver(transaction, key, found?.copy_token ?? null);
      return taken ? 'claimed' : 'again';
    } catch (error) {
      if (classifySqlError(error) === 'lock-timeout')
        return { kind: 'defer', reason: 'twin-running', delayMs: DEFER_MS };
      throw error instanceof TransactionLostError
        ? error
        : new TransactionLostError(`the inbox could not be read: ${String(error)}`, { cause: error });
    }
  }

  private async beginOnly(transaction: HandlerTransaction): Promise<'claimed'> {
    await this.inbox.begin(transaction);
    return 'claimed';
  }
}

/** A failure that came with, or from, a lost connection is the database's, whatever the handler made of it. */
export function lossOf(transaction: HandlerTransaction, error: unknown): unknown {
  if (
    error instanceof TransactionLostError ||
    error instanceof HandlerTimeoutError ||
    error instanceof ShutdownError
  )
    return error;
  if (transaction.lost) {
    return new TransactionLostError(`the database connection was lost: ${transaction.lost.message}`, {
      cause: error,
    });
  }
  if (classifySqlError(error) === 'infrastructure') {
    return new TransactionLostError(`the database could not go on: ${String(error)}`, { cause: error });
  }
  return error;
}
