import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { shakeHandsWithRabbitmq } from './amqp-handshake.mjs';
import { lastLine } from './docker.mjs';
import { checkoutId, root } from './paths.mjs';
import { findFreePorts } from './ports.mjs';
import { shakeHandsWithPostgres } from './postgres-client.mjs';
import { run, until } from './run.mjs';

/* An extra server as a container of its own, where there is a Docker engine but no server binaries. */

const COMPOSE_FILE = join(root, 'docker-compose.yml');

async function prepare(name, { kind, takenPorts }) {
  const [port, managementPort] = await findFreePorts(2, takenPorts);
  const container = `holdfast-${checkoutId}-${name}`;
  const shared = { name, kind, backend: 'container', container, port };
  if (kind === 'postgres')
    return { ...shared, url: `postgres://postgres:postgres@127.0.0.1:${port}/postgres` };
  return {
    ...shared,
    managementPort,
    url: `amqp://guest:guest@127.0.0.1:${port}`,
    managementUrl: `http://guest:guest@127.0.0.1:${managementPort}`,
    ctl: { command: 'docker', args: ['exec', container, 'rabbitmqctl'], env: {} },
  };
}

/** A container that was stopped or killed comes back with its data; the first time it is made. */
async function start(record, { timeoutMs = 120_000 } = {}) {
  const isThere = (await run('docker', ['inspect', record.container])).ok;
  const { ok, output } = await run('docker', isThere ? ['start', record.container] : creation(record));
  if (!ok) throw new Error(`docker does not start ${record.container}: ${lastLine(output)}`);
  if (await until(() => answers(record).then(Boolean, () => false), timeoutMs, 200)) return record;
  throw new Error(`the container ${record.container} runs, but ${record.url} does not answer`);
}

const answers = ({ kind, url }) =>
  kind === 'rabbitmq' ? shakeHandsWithRabbitmq(url) : shakeHandsWithPostgres(url);

const stop = ({ container }) => run('docker', ['stop', '--time', '30', container]);
const kill = ({ container }) => run('docker', ['kill', container]);
const remove = ({ container }) => run('docker', ['rm', '--force', '--volumes', container]);

function creation({ kind, container, port, managementPort }) {
  // RabbitMQ names its data after the host, so the host keeps its name over restarts.
  const head = ['run', '--detach', '--name', container, '--hostname', container];
  const image = imageOf(kind);
  if (kind === 'postgres') {
    return [...head, '--publish', `127.0.0.1:${port}:5432`, '--env', 'POSTGRES_PASSWORD=postgres', image];
  }
  const ports = [`127.0.0.1:${port}:5672`, `127.0.0.1:${managementPort}:15672`];
  return [...head, ...ports.flatMap((one) => ['--publish', one]), image];
}

/** The image that docker-compose.yml uses for the shared server, so that there is one place to raise its version. */
export function imageOf(kind) {
  const image = new RegExp(`^\\s+image: (${kind}:\\S+)$`, 'm').exec(readFileSync(COMPOSE_FILE, 'utf8'));
  if (!image) throw new Error(`${COMPOSE_FILE} names no image of ${kind}`);
  return image[1];
}

export const containerServer = { prepare, start, answers, stop, kill, remove };
