import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { randomBytes } from 'node:crypto';
import { dirname, join } from 'node:path';
import { shakeHandsWithRabbitmq } from './amqp-handshake.mjs';
import { createInstanceHome } from './instance-home.mjs';
import { checkoutId } from './paths.mjs';
import { CTL_PORTS, findFreePorts } from './ports.mjs';
import { endProcesses, killProcesses, launch, markReady, removeData } from './private-server.mjs';
import { pidsWith, signalAll, waitUntilGone } from './processes.mjs';
import { findExecutable, run, until } from './run.mjs';

/* A RabbitMQ of this checkout alone: own node name, own epmd, own data, on loopback. */

const FOLDERS = [
  '/usr/lib/rabbitmq/bin', // Debian: the scripts in /usr/sbin insist on being root or rabbitmq.
  '/opt/homebrew/opt/rabbitmq/sbin',
  '/usr/local/opt/rabbitmq/sbin',
  '/home/linuxbrew/.linuxbrew/opt/rabbitmq/sbin',
  '/opt/rabbitmq/sbin',
];
const EPMD_FOLDERS = [
  '/usr/lib/erlang/bin',
  '/opt/homebrew/opt/erlang/lib/erlang/bin',
  '/usr/local/lib/erlang/bin',
];

const findBinaries = () => {
  const server = findExecutable('rabbitmq-server', FOLDERS);
  return server && dirname(server);
};

async function prepare(name, { bin, takenPorts, log }) {
  const [port, managementPort, distPort, epmdPort] = await findFreePorts(4, takenPorts);
  const dir = createInstanceHome(name, { log });
  const node = `holdfast-${checkoutId}-${name}@localhost`;
  const record = {
    name,
    kind: 'rabbitmq',
    backend: 'private-rabbitmq',
    bin,
    dir,
    node,
    port,
    managementPort,
    distPort,
    epmdPort,
    marker: markerOf(name),
    log: join(dir, 'output.log'),
    url: `amqp://guest:guest@127.0.0.1:${port}`,
    managementUrl: `http://guest:guest@127.0.0.1:${managementPort}`,
  };
  writeFiles(record);
  const ctlEnv = Object.fromEntries(
    Object.entries(environment(record)).filter(([key]) => CTL_VARIABLES.has(key)),
  );
  return { ...record, ctl: { command: join(bin, 'rabbitmqctl'), args: ['-n', node], env: ctlEnv } };
}

async function start(record, { timeoutMs = 90_000 } = {}) {
  await startEpmd(record);
  // Erlang makes nothing of this flag: it is the marker by which the processes are found again.
  const pid = await launch(
    record,
    join(record.bin, 'rabbitmq-server'),
    ['-holdfast_instance', record.marker],
    {
      env: environment(record),
      answers: () => answers(record),
      timeoutMs,
    },
  );
  markReady(record);
  return { ...record, pid };
}

const answers = (record) => shakeHandsWithRabbitmq(record.url, 10_000);
const ports = ({ port, managementPort, distPort }) => [port, managementPort, distPort];

/** The server's shell script hands SIGTERM on to the Erlang machine, which then stops in order. */
async function stop(record) {
  await endProcesses(record, 'SIGTERM', 30_000);
  await stopEpmd(record);
}

const kill = (record) => killProcesses(record);

async function remove(record) {
  await killProcesses(record);
  await stopEpmd(record);
  removeData(record);
}

const markerOf = (name) => `holdfast-${checkoutId}.${name}.rabbitmq`;

function writeFiles({ dir, managementPort }) {
  mkdirSync(join(dir, 'home'), { recursive: true });
  const cookie = join(dir, 'home', '.erlang.cookie');
  writeFileSync(cookie, randomBytes(20).toString('hex'));
  chmodSync(cookie, 0o400);
  writeFileSync(join(dir, 'plugins'), '[rabbitmq_management].\n');
  writeFileSync(join(dir, 'advanced.config'), '[].\n');
  writeFileSync(
    join(dir, 'rabbitmq.conf'),
    [
      // A fresh write-ahead log would take 512 MiB, and the default disk limit stops publishers on a full laptop.
      'raft.wal_max_size_bytes = 64000000',
      'disk_free_limit.absolute = 50MB',
      'log.file.rotation.size = 10485760',
      'log.file.rotation.count = 2',
      'management.tcp.ip = 127.0.0.1',
      `management.tcp.port = ${managementPort}`,
      '',
    ].join('\n'),
  );
}

const CTL_VARIABLES = new Set([
  'HOME',
  'ERL_EPMD_PORT',
  'ERL_EPMD_ADDRESS',
  'RABBITMQ_CONF_ENV_FILE',
  'RABBITMQ_CTL_DIST_PORT_MIN',
  'RABBITMQ_CTL_DIST_PORT_MAX',
]);

function environment({ dir, node, port, distPort, epmdPort }) {
  const inherited = Object.entries(process.env).filter(([key]) => !/^(RABBITMQ_|ERL_|HOLDFAST_)/.test(key));
  return {
    ...Object.fromEntries(inherited),
    HOME: join(dir, 'home'),
    ERL_EPMD_PORT: String(epmdPort),
    ERL_EPMD_ADDRESS: '127.0.0.1',
    RABBITMQ_CONF_ENV_FILE: '/dev/null',
    RABBITMQ_CONFIG_FILE: join(dir, 'rabbitmq.conf'),
    RABBITMQ_ADVANCED_CONFIG_FILE: join(dir, 'advanced.config'),
    RABBITMQ_ENABLED_PLUGINS_FILE: join(dir, 'plugins'),
    RABBITMQ_NODENAME: node,
    RABBITMQ_NODE_IP_ADDRESS: '127.0.0.1',
    RABBITMQ_NODE_PORT: String(port),
    RABBITMQ_DIST_PORT: String(distPort),
    RABBITMQ_MNESIA_BASE: join(dir, 'data'),
    RABBITMQ_LOG_BASE: join(dir, 'log'),
    RABBITMQ_PID_FILE: join(dir, 'server.pid'),
    RABBITMQ_CTL_DIST_PORT_MIN: String(CTL_PORTS.min),
    RABBITMQ_CTL_DIST_PORT_MAX: String(CTL_PORTS.max),
    RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS: '+S 2:2 +sbwt none -kernel inet_dist_use_interface {127,0,0,1}',
  };
}

/**
 * Started by hand and under a name that tells whose it is: the one Erlang starts by itself looks like any other, and
 * outlives its servers.
 */
async function startEpmd(record) {
  const epmd = await findEpmd();
  if (!epmd || pidsWith(epmdMarker(record)).length > 0) return;
  const args = ['-port', String(record.epmdPort), '-address', '127.0.0.1', '-daemon'];
  await run(epmd, args, { argv0: epmdMarker(record), cwd: '/' });
  await until(() => pidsWith(epmdMarker(record)).length > 0, 2000, 20);
}

async function stopEpmd(record) {
  signalAll(epmdMarker(record), 'SIGKILL');
  await waitUntilGone(epmdMarker(record), 5000);
}

const epmdMarker = ({ name }) => `holdfast-${checkoutId}.${name}.epmd`;

async function findEpmd() {
  const found = findExecutable('epmd', EPMD_FOLDERS);
  if (found) return found;
  const print = 'io:format("~s/erts-~s/bin", [code:root_dir(), erlang:system_info(version)]), halt().';
  const { ok, output } = await run('erl', ['-noshell', '-eval', print], { timeoutMs: 10_000 });
  return ok ? findExecutable('epmd', [output]) : undefined;
}

export const privateRabbitmq = { findBinaries, prepare, start, answers, ports, stop, kill, remove };
