import { Client } from 'pg';
import { migrateDown, migrateUp, readMigrations } from './migrator';

/**
 * Brings the schema of a database up to date over a connection of its own, or takes the last `down` migrations back.
 * @returns the names of what was applied or taken back.
 */
export async function migrateDatabase(url: string, { down = 0 } = {}): Promise<string[]> {
  const client = new Client({
    connectionString: url,
    connectionTimeoutMillis: 10_000,
    application_name: 'holdfast-migrate',
  });
  // Without it a lost connection ends the process; with it the statement under way says what happened.
  client.on('error', () => undefined);
  await client.connect();
  try {
    const migrations = await readMigrations();
    return down > 0 ? await migrateDown(client, migrations, down) : await migrateUp(client, migrations);
  } finally {
    await client.end();
  }
}
