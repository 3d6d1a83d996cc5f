import { withPostgres } from './postgres-client.mjs';

const DUPLICATE_DATABASE = '42P04';

/** Creates the database on that server unless it is there; resolves to its address. */
export async function ensureDatabase(url, name) {
  await withPostgres(url, async ({ query }) => {
    const [existing] = await query(
      `select 1 from pg_database where datname = '${name.replaceAll("'", "''")}'`,
    );
    if (existing) return;
    await query(`create database "${name.replaceAll('"', '""')}"`).catch((error) => {
      if (error.sqlState !== DUPLICATE_DATABASE) throw error;
    });
  });
  const address = new URL(url);
  address.pathname = `/${encodeURIComponent(name)}`;
  return address.href;
}
