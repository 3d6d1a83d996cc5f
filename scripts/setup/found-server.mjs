import { shakeHandsWithRabbitmq } from './amqp-handshake.mjs';
import { SetupError } from './failure.mjs';
import { hidePassword } from './instances.mjs';
import { askManagement } from './management.mjs';
import { shakeHandsWithPostgres, withPostgres } from './postgres-client.mjs';
import { sleep } from './run.mjs';

/* Way 1: a server that somebody else runs, at the address in the environment or at the standard port. */

const KINDS = {
  rabbitmq: {
    variable: 'RABBITMQ_URL',
    standardUrl: 'amqp://guest:guest@127.0.0.1:5672',
    // A comma-separated list is a cluster: one answering node is enough.
    shakeHands: (url) => Promise.any(url.split(',').map((one) => shakeHandsWithRabbitmq(one.trim()))),
  },
  postgres: {
    variable: 'DATABASE_URL',
    standardUrl: 'postgres://postgres:postgres@127.0.0.1:5432/postgres',
    shakeHands: shakeHandsWithPostgres,
  },
};
const EXPLICIT_WAIT_MS = 10_000;

/** `{ server }` or `{ why }`. An address that the user set and that does not answer is an error, never replaced. */
export async function findRunningServer(kind) {
  const { variable, standardUrl, shakeHands } = KINDS[kind];
  const url = process.env[variable];
  if (url) return { server: await reachExplicit(kind, variable, url, shakeHands) };
  try {
    const { version } = await shakeHands(standardUrl);
    return {
      server: describe(kind, standardUrl, `version ${version}, already answering at the standard port`),
    };
  } catch (error) {
    return { why: messageOf(error) };
  }
}

async function reachExplicit(kind, variable, url, shakeHands) {
  const deadline = Date.now() + EXPLICIT_WAIT_MS;
  for (;;) {
    try {
      const { version } = await shakeHands(url);
      return describe(kind, url, `version ${version}, already answering at ${variable}`);
    } catch (error) {
      if (isFinal(error) || Date.now() > deadline) throw unreachable(variable, url, error);
      await sleep(300);
    }
  }
}

const describe = (kind, url, how) => ({
  url,
  ...(kind === 'rabbitmq' && { managementUrl: managementUrlOf(url) }),
  how: `${how}: ${hidePassword(url)}`,
});

const unreachable = (variable, url, error) =>
  new SetupError(
    `${variable} is set to ${hidePassword(url)}, but that server cannot be used: ${messageOf(error)}.\n` +
      `  mend: correct ${variable}, or start that server, or take the variable away (unset ${variable}) and let ` +
      'the set-up step find or start one.',
  );

const isFinal = (error) =>
  error instanceof TypeError || (error.errors ? error.errors.every((one) => one.final) : error.final);

const messageOf = (error) =>
  error.errors ? error.errors.map((one) => one.message).join('; ') : error.message;

function managementUrlOf(url) {
  const { hostname, username, password } = new URL(url.split(',')[0]);
  return `http://${username || 'guest'}:${password || 'guest'}@${hostname}:15672`;
}

/** Tests create vhosts and databases of their own. Undefined if this server lets them, else why not and the mend. */
export const whyUnfitForTests = ({ url, managementUrl }) =>
  managementUrl ? whyNoVhosts(url, managementUrl) : whyNoDatabases(url);

async function whyNoVhosts(url, managementUrl) {
  try {
    const { tags } = await askManagement(managementUrl, 'GET', '/whoami');
    if (String(tags).includes('administrator')) return undefined;
    return mendVhosts(url, 'its user is no administrator');
  } catch (error) {
    return mendVhosts(url, error.message);
  }
}

const mendVhosts = (url, why) =>
  `RabbitMQ at ${hidePassword(url)} lets the tests create no vhosts: ${why}\n` +
  '  mend: rabbitmq-plugins enable rabbitmq_management, and rabbitmqctl set_user_tags <user> administrator; or ' +
  'unset RABBITMQ_URL, and the tests use a server of their own.';

async function whyNoDatabases(url) {
  const [[allowed]] = await withPostgres(url, ({ query }) =>
    query('select rolcreatedb or rolsuper from pg_roles where rolname = current_user'),
  );
  if (allowed === 't') return undefined;
  return (
    `Postgres at ${hidePassword(url)} lets the tests create no databases: its user has no CREATEDB\n` +
    '  mend: alter role <user> createdb; or unset DATABASE_URL, and the tests use a server of their own.'
  );
}
