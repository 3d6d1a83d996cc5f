import type { DataSource, EntityManager, QueryRunner } from 'typeorm';
import type { PoolClient, QueryResult } from 'pg';
import type { Sql } from '../message/message.module';
import { isStalePlan } from './sql-state';
import type { StatementNames } from './statement-names';
import { send } from './statements';

/** The TypeORM internals that put a QueryRunner on a connection in mid-transaction; `test/assumptions` watches over them. */
type AdoptingQueryRunner = Omit<QueryRunner, 'isTransactionActive' | 'isReleased'> & {
  databaseConnection: Pick<PoolClient, 'query'>;
  isTransactionActive: boolean;
  isReleased: boolean;
  transactionDepth: number;
};

export class TransactionEndedError extends Error {
  override readonly name = 'TransactionEndedError';

  constructor() {
    super(
      'the transaction of this message has ended: ctx.tx, ctx.sql and ctx.publish must not be used after the handler returned or timed out; await what it starts',
    );
  }
}

/**
 * What one handler gets of a transaction: TypeORM's manager and the light way, on the same connection. TypeORM comes into it only when
 * the handler asks for `manager`.
 */
export class TransactionAccess {
  private runner: AdoptingQueryRunner | undefined;
  private closed = false;

  /** @param admit called before each statement is sent; throws where this handler must not send one now. */
  constructor(
    private readonly client: Pick<PoolClient, 'query'>,
    private readonly dataSource: DataSource,
    private readonly names: Pick<StatementNames, 'nameOf' | 'refuse'>,
    private readonly admit: () => void = () => undefined,
  ) {}

  get manager(): EntityManager {
    this.assertOpen();
    if (!this.runner) {
      const runner = this.dataSource.createQueryRunner() as unknown as AdoptingQueryRunner;
      runner.databaseConnection = this.guarded();
      // Without these two, save() would open and commit a transaction of its own, that is: ours, too early.
      runner.isTransactionActive = true;
      runner.transactionDepth = 1;
      this.runner = runner;
    }
    return this.runner.manager;
  }

  get sql(): Sql {
    return {
      query: async <Row extends object>(text: string, values?: unknown[]) => {
        this.assertAdmitted();
        const { rows, rowCount } = await this.send(text, values);
        return { rows: rows as Row[], rowCount };
      },
    };
  }

  /** Before COMMIT is sent: a statement that nobody waited for would come after it, in a transaction of its own. */
  close(): void {
    this.closed = true;
    if (this.runner) this.runner.isReleased = true;
  }

  /** TypeORM looks at `isReleased` some turns before it sends a statement; this looks when it is sent. */
  private guarded(): Pick<PoolClient, 'query'> {
    const query = (text: string, values?: unknown[]): unknown => {
      this.assertAdmitted();
      return this.send(text, values);
    };
    // All that a runner asks of its connection. With the client as its prototype it would slow down every field of the client.
    return { query: query as PoolClient['query'] };
  }

  private send(text: string, values: unknown[] | undefined): Promise<QueryResult> {
    // Without values it may be several statements, which cannot be prepared.
    const name = values && values.length > 0 ? this.names.nameOf(text) : undefined;
    return send(this.client, { name, text, values }).catch((error: unknown) => {
      if (name !== undefined && isStalePlan(error)) this.names.refuse(text);
      // The stack of who sent it, not that of the socket which brought the answer.
      if (error instanceof Error) Error.captureStackTrace(error);
      throw error;
    });
  }

  private assertAdmitted(): void {
    this.assertOpen();
    this.admit();
  }

  /** @throws TransactionEndedError once the handler has returned or timed out. */
  assertOpen(): void {
    if (this.closed) throw new TransactionEndedError();
  }
}
