import type { DataSource, EntityManager } from 'typeorm';
import type { PoolClient, QueryConfig, QueryResult } from 'pg';
import type { Sql } from '../message/message.module';
import type { HandlerConnections } from './handler-connections';
import { classifySqlError, sqlStateOf } from './sql-state';
import type { StatementNames } from './statement-names';
import { NotBegunError, open, send } from './statements';
import { TransactionAccess, TransactionEndedError } from './transaction-access';
import type { Wire } from './wire';

/** A statement before it has failed; what failed it is not known here. */
const IN_FAILED_TRANSACTION = '25P02';

/** COMMIT was answered with ROLLBACK: a statement had failed and the handler went on as if it had not. */
export class SwallowedSqlError extends Error {
  override readonly name = 'SwallowedSqlError';

  constructor() {
    super(
      'Postgres rolled the transaction back at commit: a statement of the handler failed and its error was caught. ' +
        'Let the error out, or put the statement that may fail into a savepoint (ctx.tx.transaction(...))',
    );
  }
}

/** The transaction itself could not go on: no connection, the connection broke, or the outcome of COMMIT is unknown. */
export class TransactionLostError extends Error {
  override readonly name = 'TransactionLostError';
}

/** What a handler gets of its transaction. */
export type HandlerAccess = Pick<TransactionAccess, 'manager' | 'sql' | 'assertOpen'>;

/** Not in pg's types; `test/assumptions` watches over it. */
interface WiredClient {
  readonly connection: Wire;
}

/**
 * One transaction of one message, or of a group of them. Begin, inbox and commit go straight through the pg client; handlers have an
 * access to it on the same connection.
 */
export class HandlerTransaction {
  /** Of the handler, where there is one for the whole transaction. */
  private readonly own: TransactionAccess;
  /** Of each handler of a group. */
  private readonly members: TransactionAccess[] = [];
  /** No statement of a handler gets through any more. */
  private closed = false;
  private ended = false;
  private broken: Error | undefined;
  private readonly onError = (error: Error): void => {
    this.broken ??= error;
  };

  constructor(
    private readonly client: PoolClient,
    private readonly dataSource: DataSource,
    /** Milliseconds for a statement of our own; a half-open connection would never answer, and hold its message for ever. */
    private readonly answerTimeoutMs: number,
    private readonly connections: Pick<HandlerConnections, 'nextInLine' | 'giveBack'>,
    private readonly names: StatementNames,
    private readonly terminate: (processId: number) => Promise<void>,
  ) {
    this.own = new TransactionAccess(client, dataSource, names);
    // A checked-out client without it takes the process down when the server goes.
    client.on('error', this.onError);
  }

  /** Why the connection can no longer be used; undefined while it can. */
  get lost(): Error | undefined {
    return this.broken;
  }

  /**
   * Opens the transaction and runs the first statements in the same round trip.
   * @returns their results, in their order. @throws the error of the first that failed.
   */
  async begin(
    lockTimeoutMs: number,
    ...first: QueryConfig[]
  ): Promise<QueryResult<Record<string, unknown>>[]> {
    try {
      return await open(this.client, lockTimeoutMs, first, lockTimeoutMs + this.answerTimeoutMs);
    } catch (error) {
      if (error instanceof NotBegunError) throw this.lostBecause('begin', error.cause);
      throw error;
    }
  }

  async query(config: QueryConfig): Promise<QueryResult<Record<string, unknown>>> {
    if (this.closed) throw new TransactionEndedError();
    return send(this.client, config, this.answerTimeoutMs);
  }

  get manager(): EntityManager {
    return this.own.manager;
  }

  get sql(): Sql {
    return this.own.sql;
  }

  assertOpen(): void {
    this.own.assertOpen();
  }

  /** The access of one handler of a group. @param admit as for `TransactionAccess`. */
  member(admit: () => void): TransactionAccess {
    const access = new TransactionAccess(this.client, this.dataSource, this.names, admit);
    if (this.closed) access.close();
    this.members.push(access);
    return access;
  }

  /**
   * Whoever waits for a connection gets this one now, not when the answer has come: in a pipeline its BEGIN runs after our COMMIT,
   * whatever becomes of that, and travels in the same packet. From then on nothing more is sent here, no ROLLBACK either.
   * @param last a statement that travels in the packet of COMMIT. When it fails, nothing is committed. @returns its result.
   * @throws SwallowedSqlError Postgres answered ROLLBACK. @throws TransactionLostError the answer did not come: the message
   * must be looked up again. Everything else is the error of `last`, or of a deferred constraint.
   */
  async commit(last?: QueryConfig): Promise<QueryResult<Record<string, unknown>> | undefined> {
    this.close();
    const handOver = this.broken ? undefined : this.connections.nextInLine();
    // By then the next transaction has written its BEGIN.
    if (handOver ?? last) this.gatherThisTurn();
    const written = last && send(this.client, last, this.answerTimeoutMs);
    const answer = send(this.client, { text: 'commit' }, this.answerTimeoutMs);
    if (handOver) {
      this.ended = true;
      handOver(this.client);
    }
    const [wrote, committed] = await Promise.allSettled([written, answer]);
    if (handOver) this.client.off('error', this.onError);
    if (committed.status === 'rejected') {
      if (this.isAlive(committed.reason)) throw committed.reason;
      throw this.lostBecause('commit', committed.reason);
    }
    if (!handOver) this.end(false);
    if (wrote.status === 'rejected' && sqlStateOf(wrote.reason) !== IN_FAILED_TRANSACTION) throw wrote.reason;
    if (committed.value.command !== 'COMMIT' || wrote.status === 'rejected') throw new SwallowedSqlError();
    return wrote.value;
  }

  /** Never throws: a rollback that fails leaves a connection that is thrown away, which rolls back too. */
  async rollback(): Promise<void> {
    if (this.ended) return;
    this.close();
    try {
      await send(this.client, { text: 'rollback' }, this.answerTimeoutMs);
      this.end(false);
    } catch {
      this.end(true);
    }
  }

  /** Ends a transaction that its handler still uses: the server's side is ended first, so that its locks are free. */
  async abort(): Promise<void> {
    if (this.ended) return;
    const { processID } = this.client as PoolClient & { processID?: number };
    this.close();
    this.ended = true;
    if (processID !== undefined && !this.broken) await this.terminate(processID).catch(() => undefined);
    this.release(true);
  }

  private end(destroy: boolean): void {
    this.ended = true;
    this.release(destroy || this.broken !== undefined);
  }

  /** Before COMMIT is sent: a statement that nobody waited for would come after it, in a transaction of its own. */
  private close(): void {
    this.closed = true;
    this.own.close();
    for (const member of this.members) member.close();
  }

  private release(destroy: boolean): void {
    this.connections.giveBack(this.client, destroy);
    // What is destroyed may still report an error; the listener goes with it.
    if (!destroy) this.client.off('error', this.onError);
  }

  private get wire(): Wire {
    return (this.client as unknown as WiredClient).connection;
  }

  /** Whatever is sent until all promises of this turn of the event loop have run travels in one packet. */
  gatherThisTurn(): void {
    const { stream } = this.wire;
    stream.cork();
    process.nextTick(() => {
      stream.uncork();
    });
  }

  /** An error that Postgres itself reported leaves the connection usable. */
  private isAlive(error: unknown): boolean {
    const failure = classifySqlError(error);
    return !this.broken && failure !== undefined && failure !== 'infrastructure';
  }

  private lostBecause(step: string, cause: unknown): TransactionLostError {
    this.broken ??= cause instanceof Error ? cause : new Error(String(cause));
    return new TransactionLostError(`the database connection was lost at ${step}: ${this.broken.message}`, {
      cause,
    });
  }
}
