import { Pool } from 'pg';

/** The table of countable effects: without a unique key, so that nothing but Holdfast keeps an effect from happening twice. */
export const EFFECT_TABLE = 'chaos_effect';

export const EFFECT_SCHEMA = `
  create table if not exists ${EFFECT_TABLE} (
    consumer text not null,
    message text not null,
    attempt int not null,
    replica text not null,
    at timestamptz not null default clock_timestamp()
  )`;

export const INSERT_EFFECT = `insert into ${EFFECT_TABLE} (consumer, message, attempt, replica) values ($1, $2, $3, $4)`;

export const INSERT_EFFECTS = `insert into ${EFFECT_TABLE} (consumer, message, attempt, replica)
  select * from unnest($1::text[], $2::text[], $3::int[], $4::text[])`;

type EffectRow = readonly [string, string, number, string];

/** The values of `INSERT_EFFECTS`. */
export function columnsOf(rows: readonly EffectRow[]): unknown[][] {
  return [0, 1, 2, 3].map((column) => rows.map((row) => row[column]));
}

interface Waiting {
  readonly row: EffectRow;
  readonly resolve: () => void;
}

/**
 * Effects of handlers without idempotency: outside the transaction, straight to the server and gathered into one statement, insisted on
 * until they are written. The handler waits until its effect is there, as a user's would.
 */
export class PlainEffects {
  private readonly pool: Pool;
  private waiting: Waiting[] = [];
  private writing = false;

  constructor(connectionString: string) {
    this.pool = new Pool({ connectionString, max: 1, connectionTimeoutMillis: 2_000, query_timeout: 5_000 });
    // The server is killed now and then; the next try connects anew.
    this.pool.on('error', () => undefined);
  }

  write(...row: Waiting['row']): Promise<void> {
    return new Promise((resolve) => {
      this.waiting.push({ row, resolve });
      if (!this.writing) void this.drain();
    });
  }

  private async drain(): Promise<void> {
    this.writing = true;
    while (this.waiting.length > 0) {
      const batch = this.waiting.splice(0, 200);
      await this.insist(batch);
      for (const { resolve } of batch) resolve();
    }
    this.writing = false;
  }

  private async insist(batch: readonly Waiting[]): Promise<void> {
    const columns = columnsOf(batch.map(({ row }) => row));
    for (;;) {
      try {
        await this.pool.query(INSERT_EFFECTS, columns);
        return;
      } catch {
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
    }
  }
}
