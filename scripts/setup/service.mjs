import { join } from 'node:path';
import { runForwarding } from './child.mjs';
import { ensureDatabase } from './databases.mjs';
import { root } from './paths.mjs';
import { prepare } from './prepare.mjs';

/** Everything the service needs before it can run: `{ rabbitmqUrl, databaseUrl, … }`. */
export async function prepareService({ log = console.log } = {}) {
  const servers = await prepare({ log });
  // On a server of ours a database of its own; on somebody else's, what DATABASE_URL says, and nothing is created.
  const databaseUrl = servers.isOurs.postgres
    ? await ensureDatabase(servers.databaseUrl, 'holdfast')
    : servers.databaseUrl;
  return { ...servers, databaseUrl };
}

/** Runs one of the compiled programs with the addresses of the servers, until it ends: its exit code. */
export const runProgram = (file, { rabbitmqUrl, databaseUrl }, options = {}) =>
  runForwarding(process.execPath, [join(root, 'dist', file), ...process.argv.slice(2)], {
    cwd: root,
    env: { ...process.env, RABBITMQ_URL: rabbitmqUrl, DATABASE_URL: databaseUrl },
    ...options,
  });
