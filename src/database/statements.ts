import { Query, type PoolClient, type QueryConfig, type QueryResult } from 'pg';
import { AmongOthers, InOnePiece, unanswered, type Wire } from './wire';

type Result = QueryResult<Record<string, unknown>>;

/** What pg's types leave out of its query; `test/assumptions` watches over it. */
interface PgQuery {
  name: string | undefined;
  queryMode: 'extended' | undefined;
  query_timeout?: number;
  callback: (error: Error | null, result: unknown) => void;
  prepare(wire: Wire): void;
  handleCommandComplete(told: unknown, wire: Wire): void;
  handleReadyForQuery(wire: Wire): void;
}

const PgQuery = Query as unknown as new (text: string, values?: unknown[]) => PgQuery;

class Statement extends PgQuery {
  /** Not as a config: pg would copy it property by property, which costs more than to send it. */
  constructor({ name, text, values }: QueryConfig) {
    super(text, values);
    this.name = name;
  }

  override prepare(wire: Wire): void {
    super.prepare(wire instanceof InOnePiece ? wire : new InOnePiece(wire));
  }
}

class Opening extends PgQuery {
  hasBegun = false;

  constructor(
    private readonly opening: Buffer,
    private readonly first: readonly QueryConfig[],
  ) {
    super('begin');
    this.queryMode = 'extended';
  }

  override prepare(wire: Wire): void {
    wire.stream.write(this.opening);
    for (const config of this.first) new Statement(config).prepare(new AmongOthers(wire));
    wire.sync();
  }

  override handleCommandComplete(told: unknown, wire: Wire): void {
    this.hasBegun = true;
    super.handleCommandComplete(told, wire);
  }

  override handleReadyForQuery(wire: Wire): void {
    for (const { name, text } of this.first) if (name !== undefined) wire.parsedStatements[name] = text;
    super.handleReadyForQuery(wire);
  }
}

/** BEGIN itself has failed. */
export class NotBegunError extends Error {
  override readonly name = 'NotBegunError';
}

const openings = new Map<number, Buffer>();

/**
 * BEGIN, the lock timeout and the first statements, with one answer: Postgres sends as often as an answer is asked for, and each time
 * wakes us, which costs both sides more than a small statement does. What comes after a statement that failed is skipped.
 * @returns the results of the first statements. @throws NotBegunError
 */
export async function open(
  client: Pick<PoolClient, 'query'>,
  lockTimeoutMs: number,
  first: readonly QueryConfig[],
  timeoutMs: number,
): Promise<Result[]> {
  const opening =
    openings.get(lockTimeoutMs) ?? unanswered('begin', `set local lock_timeout = ${String(lockTimeoutMs)}`);
  openings.set(lockTimeoutMs, opening);
  const query = new Opening(opening, first);
  try {
    const results = (await answerTo(client, query, timeoutMs)) as Result[];
    return results.slice(2);
  } catch (error) {
    if (query.hasBegun) throw error;
    throw new NotBegunError('BEGIN has failed', { cause: error });
  }
}

/**
 * As `client.query`, for half its price.
 * @param timeoutMs without an answer by then pg destroys the connection and rejects.
 */
export function send(
  client: Pick<PoolClient, 'query'>,
  config: QueryConfig,
  timeoutMs?: number,
): Promise<Result> {
  return answerTo(client, new Statement(config), timeoutMs) as Promise<Result>;
}

function answerTo(
  client: Pick<PoolClient, 'query'>,
  query: PgQuery,
  timeoutMs: number | undefined,
): Promise<unknown> {
  return new Promise((resolve, reject) => {
    query.callback = (error, result) => {
      if (error) reject(error);
      else resolve(result);
    };
    if (timeoutMs !== undefined) query.query_timeout = timeoutMs;
    client.query(query as unknown as Query);
  });
}
