import { shakeHandsWithRabbitmq } from './amqp-handshake.mjs';
import { compose, lastLine } from './docker.mjs';
import { root } from './paths.mjs';
import { shakeHandsWithPostgres } from './postgres-client.mjs';
import { until } from './run.mjs';

/* RabbitMQ and Postgres as services of docker-compose.yml, on their standard ports. */

const SERVICES = {
  rabbitmq: {
    url: 'amqp://guest:guest@127.0.0.1:5672',
    managementUrl: 'http://guest:guest@127.0.0.1:15672',
    ctl: {
      command: 'docker',
      args: ['compose', '--project-directory', root, 'exec', '-T', 'rabbitmq', 'rabbitmqctl'],
      env: {},
    },
  },
  postgres: { url: 'postgres://postgres:postgres@127.0.0.1:5432/postgres' },
};

const prepare = async (name) => ({ name, kind: name, backend: 'compose', ...SERVICES[name] });

async function start(record, { timeoutMs = 300_000 } = {}) {
  const { ok, output } = await compose(['up', '-d', '--wait', record.name], { timeoutMs });
  if (!ok) {
    await remove(record);
    throw new Error(`docker compose up ${record.name}: ${lastLine(output)}`);
  }
  const reachable = await until(
    () =>
      answers(record).then(
        () => true,
        () => false,
      ),
    15_000,
    200,
  );
  if (!reachable) throw new Error(`the container ${record.name} is up, but ${record.url} does not answer`);
  return record;
}

const answers = ({ kind, url }) =>
  kind === 'rabbitmq' ? shakeHandsWithRabbitmq(url) : shakeHandsWithPostgres(url);

const stop = ({ name }) => compose(['stop', name]);
const kill = ({ name }) => compose(['kill', name]);
const remove = ({ name }) => compose(['rm', '--stop', '--force', '--volumes', name]);

export const composeServer = { prepare, start, answers, stop, kill, remove };
