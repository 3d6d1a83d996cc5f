import { Client } from 'pg';
import type { QueryResultRow } from 'pg';
import { uniqueName } from './names';
import { noServers, servers } from './servers';

export interface TestDatabase {
  name: string;
  url: string;
  /** Runs one statement on a connection of its own: rows. For looking, not for load. */
  query<Row extends QueryResultRow>(sql: string, values?: unknown[]): Promise<Row[]>;
  /** Ends every session of it and removes it; what forgets to call it is swept up after the run. */
  drop(): Promise<void>;
}

/** A database for the tests of one file: empty, or a copy of the named template. It takes some 50 ms. */
export async function createTestDatabase({ template = 'template1' } = {}): Promise<TestDatabase> {
  const name = uniqueName('_', 'db');
  await onServer((client) => client.query(`create database ${quote(name)} template ${quote(template)}`));
  return {
    ...testDatabaseAt(databaseUrl(name)),
    drop: async () => {
      await onServer((client) => client.query(`drop database if exists ${quote(name)} with (force)`));
    },
  };
}

/** A database that is there already, e.g. that of a server of one's own. */
export function testDatabaseAt(url: string): Omit<TestDatabase, 'drop'> {
  return {
    name: decodeURIComponent(new URL(url).pathname.slice(1)),
    url,
    query: async <Row extends QueryResultRow>(sql: string, values?: unknown[]) =>
      withClient(url, async (client) => (await client.query<Row>(sql, values)).rows),
  };
}

/**
 * A database to copy from, filled once by `prepare` (migrations, say) and then kept for later runs: put what it is
 * made from, a hash of the migrations, into its name. Resolves to the name, for `createTestDatabase({ template })`.
 */
export async function ensureTemplateDatabase(
  name: string,
  prepare: (url: string) => Promise<void>,
): Promise<string> {
  await onServer(async (client) => {
    // Workers that come at once wait here; the second one finds it finished.
    await client.query('select pg_advisory_lock(hashtext($1))', [name]);
    const { rows } = await client.query<{ datistemplate: boolean }>(
      'select datistemplate from pg_database where datname = $1',
      [name],
    );
    // Only a finished one carries the mark of a template: half of one is left by a run that was killed.
    if (rows[0]?.datistemplate) return;
    await client.query(`drop database if exists ${quote(name)} with (force)`);
    await client.query(`create database ${quote(name)} template template1`);
    await prepare(databaseUrl(name));
    await client.query(`alter database ${quote(name)} with is_template true`);
  });
  return name;
}

const quote = (name: string): string => `"${name.replaceAll('"', '""')}"`;

function databaseUrl(name: string): string {
  const address = new URL(servers().databaseUrl);
  address.pathname = `/${encodeURIComponent(name)}`;
  return address.href;
}

const onServer = <Result>(action: (client: Client) => Promise<Result>): Promise<Result> =>
  withClient(servers().databaseUrl, action);

async function withClient<Result>(url: string, action: (client: Client) => Promise<Result>): Promise<Result> {
  const client = new Client({ connectionString: url });
  await client.connect().catch((error: unknown) => {
    throw new Error(noServers(`do not answer at ${new URL(url).host}`), { cause: error });
  });
  try {
    return await action(client);
  } finally {
    await client.end();
  }
}
