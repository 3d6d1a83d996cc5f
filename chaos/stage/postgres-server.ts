import { Client, Pool, type QueryResultRow } from 'pg';
import { extraServer, type ExtraServer } from '../../test/support/extra-server';
import { EFFECT_SCHEMA, EFFECT_TABLE } from '../handlers/effects';
import type { DatabaseServer } from './database-server';

/** The replicas are nobody special: the limits of the server hold for them. */
const ROLE = 'chaos';

/** A Postgres of this run alone. */
export class PostgresServer implements DatabaseServer {
  private readonly pool: Pool;

  private constructor(
    private readonly server: ExtraServer,
    private readonly adminUrl: string,
    /** For the replicas. */
    readonly url: string,
  ) {
    this.pool = new Pool({ connectionString: adminUrl, max: 3, connectionTimeoutMillis: 5_000 });
    this.pool.on('error', () => undefined);
  }

  static async start(): Promise<PostgresServer> {
    const server = await extraServer('postgres');
    const admin = new URL(server.url);
    const first = new Client({ connectionString: admin.href });
    await first.connect();
    await first.query(`create role ${ROLE} login password '${ROLE}'`);
    await first.query(`create database ${ROLE} owner ${ROLE}`);
    await first.end();
    admin.pathname = `/${ROLE}`;
    const replicas = new URL(admin.href);
    replicas.username = ROLE;
    replicas.password = ROLE;
    const database = new PostgresServer(server, admin.href, replicas.href);
    await database.query(EFFECT_SCHEMA);
    await database.query(`alter table ${EFFECT_TABLE} owner to ${ROLE}`);
    return database;
  }

  async restartImmediately(): Promise<void> {
    await this.server.kill();
    await this.server.start();
  }

  stop(): Promise<void> {
    return this.server.stop();
  }

  start(): Promise<void> {
    return this.server.start();
  }

  async query<Row extends QueryResultRow>(text: string, values?: unknown[]): Promise<Row[]> {
    const { rows } = await this.pool.query<Row>(text, values);
    return rows;
  }

  /** Rows in portions, so that a million of them are never in memory together. */
  async *portions<Row extends QueryResultRow>(text: string, portion = 20_000): AsyncGenerator<Row[]> {
    const client = await this.pool.connect();
    try {
      await client.query('begin');
      await client.query(`declare portions no scroll cursor for ${text}`);
      for (;;) {
        const { rows } = await client.query<Row>(`fetch ${portion} from portions`);
        if (rows.length === 0) break;
        yield rows;
      }
      await client.query('commit');
    } finally {
      client.release(true);
    }
  }

  async lockEffects(ms: number, signal: AbortSignal): Promise<void> {
    const client = new Client({ connectionString: this.adminUrl });
    client.on('error', () => undefined);
    await client.connect();
    try {
      await client.query(`begin; lock table ${EFFECT_TABLE} in access exclusive mode`);
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, ms);
        signal.addEventListener('abort', () => {
          clearTimeout(timer);
          resolve();
        });
      });
    } finally {
      await client.end().catch(() => undefined);
    }
  }

  async takeAllConnections(): Promise<() => Promise<void>> {
    await this.query(`alter role ${ROLE} connection limit 0`);
    await this.query(`select pg_terminate_backend(pid) from pg_stat_activity where usename = '${ROLE}'`);
    return async () => {
      await this.query(`alter role ${ROLE} connection limit -1`);
    };
  }

  async remove(): Promise<void> {
    await this.pool.end();
    await this.server.remove();
  }
}
