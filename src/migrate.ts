import { parseArgs } from 'node:util';
import { maskSecret, readEnvironment } from './config/config.module';
import { migrateDatabase } from './database/database.module';

/* `npm run migrate`: the migrations alone, as a deployment runs them before its pods start. `-- --down 1` takes the last one back. */

async function main(): Promise<void> {
  const { values } = parseArgs({ options: { down: { type: 'string' } } });
  const down = values.down === undefined ? 0 : Number(values.down);
  if (values.down !== undefined && !(Number.isInteger(down) && down > 0)) {
    throw new Error(`--down ${values.down}: expected how many migrations to take back, like --down 1`);
  }
  const { url } = readEnvironment().database;
  const names = await migrateDatabase(url, { down }).catch((error: unknown) => {
    throw new Error(`the database ${maskSecret(url)} could not be migrated: ${messageOf(error)}`, {
      cause: error,
    });
  });
  const what = down > 0 ? 'took back' : 'applied';
  process.stdout.write(names.length > 0 ? `${what}: ${names.join(', ')}\n` : 'the schema is up to date\n');
}

function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  // Node tries all addresses of a name; the errors are inside then, and the message is empty.
  return error.message || String((error as NodeJS.ErrnoException).code);
}

main().catch((error: unknown) => {
  process.stderr.write(`${messageOf(error)}\n`);
  process.exit(1);
});
