import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';

/** What the set-up step wrote into `.holdfast/servers.json`. */
interface ServersFile {
  rabbitmq?: FoundServer;
  postgres?: FoundServer;
  instances: Record<string, ServerRecord>;
}

/** A server in use; `instance` names its record if this checkout started it. */
interface FoundServer {
  url: string;
  managementUrl?: string;
  instance?: string;
  how: string;
}

/** A server this checkout started and may stop. */
export interface ServerRecord {
  name: string;
  kind: ServerKind;
  url: string;
  port: number;
  dir: string;
  log: string;
  managementUrl?: string;
  /** Runs rabbitmqctl on this server: the command, its first arguments, and what its environment must have. */
  ctl?: { command: string; args: string[]; env: Record<string, string> };
}

export type ServerKind = 'rabbitmq' | 'postgres';

export interface Servers {
  rabbitmqUrl: string;
  managementUrl: string;
  databaseUrl: string;
}

/** The checkout this file belongs to, also where it runs compiled, somewhere below `.holdfast/`. */
export const repositoryRoot = findRoot(__dirname);
const controls = join(repositoryRoot, 'scripts', 'servers.mjs');
const execute = promisify(execFile);

function findRoot(folder: string): string {
  return existsSync(join(folder, 'nest-cli.json')) ? folder : findRoot(dirname(folder));
}

/** The shared RabbitMQ and Postgres of this run. Nobody may stop them: `extraServer` is for that. */
export function servers(): Servers {
  const { rabbitmq, postgres } = readServersFile();
  const rabbitmqUrl = process.env.HOLDFAST_TEST_RABBITMQ_URL ?? rabbitmq?.url;
  const databaseUrl = process.env.HOLDFAST_TEST_DATABASE_URL ?? postgres?.url;
  if (!rabbitmqUrl || !databaseUrl || !rabbitmq?.managementUrl)
    throw new Error(noServers('have not been set up'));
  return { rabbitmqUrl, databaseUrl, managementUrl: rabbitmq.managementUrl };
}

/** The servers' state as the set-up step left it; read anew each time, because extras come and go. */
export function serverRecord(name: string): ServerRecord | undefined {
  return readServersFile().instances[name];
}

function readServersFile(): ServersFile {
  const path = process.env.HOLDFAST_TEST_SERVERS ?? join(repositoryRoot, '.holdfast', 'servers.json');
  if (!existsSync(path)) throw new Error(noServers('have not been set up'));
  return JSON.parse(readFileSync(path, 'utf8')) as ServersFile;
}

export function noServers(what: string): string {
  return (
    `The RabbitMQ and Postgres of the tests ${what}.\n` +
    '  mend: npm test -- <file>; or once: node scripts/servers.mjs start, and then npx jest <file>'
  );
}

/** Runs `node scripts/servers.mjs` with these arguments: its standard output; rejects with its complaint. */
export async function controlServers(...args: string[]): Promise<string> {
  try {
    const { stdout } = await execute(process.execPath, [controls, ...args], { maxBuffer: 2 ** 26 });
    return stdout;
  } catch (error) {
    const { stderr } = error as { stderr?: string };
    throw new Error(`servers.mjs ${args.join(' ')}: ${stderr?.trim() ?? String(error)}`, { cause: error });
  }
}
