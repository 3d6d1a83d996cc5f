import { withPostgres } from './postgres-client.mjs';

/** Creates the database on that server unless it is there; resolves to its address. */
export async function ensureDatabase(url, name) {
  const literal = `'${name.replaceAll("'", "''")}'`;
  await withPostgres(url, async ({ query }) => {
    // Two that create it at once would fail in several ways; the second waits here until this session ends.
    await query(`select pg_advisory_lock(hashtext(${literal}))`);
    const [existing] = await query(`select 1 from pg_database where datname = ${literal}`);
    if (!existing) await query(`create database "${name.replaceAll('"', '""')}"`);
  });
  const address = new URL(url);
  address.pathname = `/${encodeURIComponent(name)}`;
  return address.href;
}
