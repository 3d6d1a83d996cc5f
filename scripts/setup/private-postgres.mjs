import { randomBytes } from 'node:crypto';
import {
  appendFileSync,
  chmodSync,
  chownSync,
  existsSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { createInstanceHome } from './instance-home.mjs';
import { checkoutId } from './paths.mjs';
import { findFreePorts } from './ports.mjs';
import { shakeHandsWithPostgres } from './postgres-client.mjs';
import { endProcesses, killProcesses, launch, markReady, removeData } from './private-server.mjs';
import { signalAll, waitUntilGone } from './processes.mjs';
import { findExecutable, lookUpUser, run } from './run.mjs';

/* A Postgres of this checkout alone, on loopback, as durable as a real one: fsync and synchronous_commit stay on. */

const DEBIAN = '/usr/lib/postgresql';

/** The folder with initdb and postgres; the newest version where there are several. */
function findBinaries() {
  const versions = existsSync(DEBIAN) ? readdirSync(DEBIAN).sort((a, b) => Number(b) - Number(a)) : [];
  const brew = ['/opt/homebrew/opt', '/usr/local/opt', '/home/linuxbrew/.linuxbrew/opt'];
  const brewed = brew.flatMap((folder) =>
    ['postgresql@18', 'postgresql@17', 'postgresql@16', 'postgresql@15', 'postgresql'].map((name) =>
      join(folder, name, 'bin'),
    ),
  );
  const initdb = findExecutable('initdb', [
    ...versions.map((version) => join(DEBIAN, version, 'bin')),
    ...brewed,
    ...Array.from({ length: 6 }, (_, index) => `/usr/pgsql-${19 - index}/bin`),
  ]);
  const bin = initdb && dirname(initdb);
  return bin && existsSync(join(bin, 'postgres')) ? bin : undefined;
}

async function prepare(name, { bin, takenPorts, log }) {
  const user = serverUser();
  const [port] = await findFreePorts(1, takenPorts);
  const dir = createInstanceHome(name, { user, log });
  const password = randomBytes(12).toString('hex');
  const record = {
    name,
    kind: 'postgres',
    backend: 'private-postgres',
    bin,
    dir,
    user,
    port,
    dataDir: join(dir, 'data'),
    marker: `holdfast-${checkoutId}.${name}.postgres`,
    log: join(dir, 'output.log'),
    url: `postgres://postgres:${password}@127.0.0.1:${port}/postgres`,
  };
  await initialise(record, password);
  return record;
}

async function start(record, { timeoutMs = 60_000 } = {}) {
  writeConfiguration(record);
  // Nothing of this server lives when it is started (instances.mjs sees to it), so a lock file is a dead one's. Postgres
  // cannot tell where the process table keeps the dead, as it does in containers without a real init.
  rmSync(join(record.dataDir, 'postmaster.pid'), { force: true });
  const args = ['-D', record.dataDir, '-c', `cluster_name=${record.marker}`];
  const pid = await launch(record, join(record.bin, 'postgres'), args, {
    ...identity(record.user),
    env: environment(),
    answers: () => answers(record),
    timeoutMs,
  });
  markReady(record);
  return { ...record, pid };
}

const answers = (record) => shakeHandsWithPostgres(record.url, 10_000);
const ports = ({ port }) => [port];

/** SIGINT is Postgres's fast shutdown: it ends the sessions, writes everything down and leaves. */
const stop = (record) => endProcesses(record, 'SIGINT', 30_000);

/** The marker is in the title of every process of this server, so that none holds on to shared memory afterwards. */
const kill = (record) => killProcesses(record);

async function remove(record) {
  await killProcesses(record);
  removeData(record);
}

/** Postgres refuses to run as root: then it runs as its own user, or as nobody. */
function serverUser() {
  if (process.getuid?.() !== 0) return undefined;
  const user = lookUpUser('postgres') ?? lookUpUser('nobody');
  if (!user)
    throw new Error('Postgres does not run as root, and there is neither a user postgres nor a user nobody');
  return user;
}

async function initialise(record, password) {
  await endAbandonedInitdb(record);
  const passwordFile = join(record.dir, 'password');
  writeFileSync(passwordFile, password, { mode: 0o600 });
  if (record.user) chownSync(passwordFile, record.user.uid, record.user.gid);
  const locale = process.platform === 'linux' ? 'C.UTF-8' : 'C';
  const { ok, output } = await run(
    join(record.bin, 'initdb'),
    [
      '-D',
      record.dataDir,
      '-U',
      'postgres',
      '-E',
      'UTF8',
      `--locale=${locale}`,
      '-A',
      'scram-sha-256',
    ].concat(`--pwfile=${passwordFile}`),
    { ...identity(record.user), env: environment(), cwd: '/' },
  );
  rmSync(passwordFile);
  if (!ok) throw new Error(`initdb failed:\n${output}`);
  appendFileSync(join(record.dataDir, 'postgresql.conf'), "\ninclude 'holdfast.conf'\n");
}

/** The set-up that began it may have been killed alone; two of them in one folder would spoil it. */
async function endAbandonedInitdb({ dataDir }) {
  if (signalAll(`initdb -D ${dataDir} `, 'SIGKILL') === 0) return;
  await waitUntilGone(`initdb -D ${dataDir} `, 5000);
  rmSync(dataDir, { recursive: true, force: true });
}

/** Written at every start, because the port may have changed. */
function writeConfiguration({ dataDir, port, user }) {
  const path = join(dataDir, 'holdfast.conf');
  const lines = [
    "listen_addresses = '127.0.0.1'",
    `port = ${port}`,
    "unix_socket_directories = ''", // Nobody uses it, and its path may not be longer than 107 bytes.
    'max_connections = 300',
    'log_min_messages = warning',
    'log_checkpoints = off',
    "log_line_prefix = '%m [%p] %d '",
  ];
  writeFileSync(path, `${lines.join('\n')}\n`);
  chmodSync(path, 0o600);
  if (user) chownSync(path, user.uid, user.gid);
}

const identity = (user) => (user ? { uid: user.uid, gid: user.gid } : {});

/** Without the caller's PG* variables, which would be taken as settings of this server. */
const environment = () =>
  Object.fromEntries(Object.entries(process.env).filter(([key]) => !/^(PG|HOLDFAST_)/.test(key)));

export const privatePostgres = { findBinaries, prepare, start, answers, ports, stop, kill, remove };
