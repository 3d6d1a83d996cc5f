/* The one message of a set-up that found no way: each way tried, why it failed, and the line that mends it. */

const WAYS = {
  1: 'a server already answering at the standard port',
  2: 'a Docker engine',
  3: 'server binaries on this machine',
  4: 'installing it with apt-get',
};
const TITLES = { rabbitmq: 'RabbitMQ', postgres: 'Postgres' };
const VARIABLES = {
  rabbitmq: 'RABBITMQ_URL=amqp://user:password@host:5672',
  postgres: 'DATABASE_URL=postgres://user:password@host:5432/database',
};
const BREW = { rabbitmq: 'rabbitmq', postgres: 'postgresql@16' };
const PACKAGES = { rabbitmq: 'rabbitmq-server', postgres: 'postgresql' };

export function describeFailure({ missing, tried }, platform = process.platform) {
  const parts = missing.map((kind) => {
    const lines = tried[kind].map(
      ({ way, why }) => `  (${way}) ${WAYS[way]}: ${indent(why)}\n      mend: ${mend(kind, way, platform)}`,
    );
    return [`No ${TITLES[kind]} found or started. One of these lines mends it:`, ...lines].join('\n');
  });
  return parts.join('\n\n');
}

function mend(kind, way, platform) {
  switch (way) {
    case 1:
      return `export ${VARIABLES[kind]}`;
    case 2:
      return platform === 'linux' ? 'sudo systemctl start docker' : 'start Docker Desktop';
    case 3:
      return platform === 'darwin' ? `brew install ${BREW[kind]}` : `install the package ${PACKAGES[kind]}`;
    default:
      return `sudo apt-get update && sudo apt-get install -y --no-install-recommends ${PACKAGES[kind]}`;
  }
}

const indent = (text) => text.trim().replaceAll('\n', '\n      ');
