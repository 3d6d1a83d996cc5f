import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CTL_PORTS } from './ports.mjs';

/* What one private RabbitMQ node is: its record, its files, its environment. All of it in a folder of its own. */

/** Completes the record of a node: `{ name, bin, dir, node, port, managementPort, distPort, epmdPort, marker, … }`. */
export function describeNode(node) {
  const record = {
    kind: 'rabbitmq',
    backend: 'private-rabbitmq',
    ...node,
    log: join(node.dir, 'output.log'),
    url: `amqp://guest:guest@127.0.0.1:${node.port}`,
    managementUrl: `http://guest:guest@127.0.0.1:${node.managementPort}`,
  };
  const env = Object.fromEntries(
    Object.entries(environmentOf(record)).filter(([key]) => CTL_VARIABLES.has(key)),
  );
  return { ...record, ctl: { command: join(record.bin, 'rabbitmqctl'), args: ['-n', record.node], env } };
}

/** `settings` are further lines of rabbitmq.conf, `advanced` is a list of Erlang terms. */
export function writeNodeFiles({ dir, managementPort }, { cookie, settings = [], advanced = '[]' }) {
  mkdirSync(join(dir, 'home'), { recursive: true });
  const cookieFile = join(dir, 'home', '.erlang.cookie');
  writeFileSync(cookieFile, cookie);
  chmodSync(cookieFile, 0o400);
  writeFileSync(join(dir, 'plugins'), '[rabbitmq_management].\n');
  writeFileSync(join(dir, 'advanced.config'), `${advanced}.\n`);
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
      ...settings,
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

export function environmentOf({ dir, node, port, distPort, epmdPort, schedulers = 2 }) {
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
    RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS: `+S ${schedulers}:${schedulers} +sbwt none -kernel inet_dist_use_interface {127,0,0,1}`,
  };
}
