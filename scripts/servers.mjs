#!/usr/bin/env node
import { ensureDatabase } from './setup/databases.mjs';
import { ensureServers } from './setup/ensure-servers.mjs';
import { ensureExtra } from './setup/extras.mjs';
import { runMain, SetupError } from './setup/failure.mjs';
import {
  hidePassword,
  isAnswering,
  killInstance,
  removeInstance,
  startInstance,
  stopInstance,
} from './setup/instances.mjs';
import { identify } from './setup/processes.mjs';
import { runVisibly } from './setup/run.mjs';
import { readState } from './setup/state.mjs';
import { ensureVhost } from './setup/vhosts.mjs';

const USAGE = `node scripts/servers.mjs
  status                                  what this checkout started or found
  start                                   finds or starts RabbitMQ and Postgres
  start|stop|kill <name>                  controls a server that was started here (kill is kill -9)
  ctl [--on <name>] <rabbitmqctl args…>   rabbitmqctl, with the right environment
  extra rabbitmq|postgres <name>          a disposable server beside the shared one; prints its record as JSON
  extra-stop <name>                       removes it with its data
  vhost|database <name>                   creates one on the shared server, if it is not there; prints its address`;

/** Standard output belongs to answers (JSON); what is being done goes to standard error. */
const log = (line) => console.error(line);

const commands = {
  status,
  start: (name) => (name ? print(startInstance(name, log)) : ensureServers({ log })),
  stop: (name) => stopInstance(required(name), log),
  kill: (name) => killInstance(required(name), log),
  ctl: rabbitmqctl,
  extra: (kind, name, ...options) =>
    print(ensureExtra(kind, required(name), { owner: readOwner(options), log })),
  vhost: async (name) => console.log(await ensureVhost(found('rabbitmq'), required(name))),
  database: async (name) => console.log(await ensureDatabase(found('postgres').url, required(name))),
  'extra-stop': (name) => removeInstance(required(name), log),
};

async function print(record) {
  console.log(JSON.stringify(await record, null, 2));
}

async function status() {
  const { instances, rabbitmq, postgres } = readState();
  for (const [kind, server] of Object.entries({ rabbitmq, postgres })) {
    console.log(
      `${kind}: ${server ? server.how : 'not found or started yet (npm start, or node scripts/servers.mjs start)'}`,
    );
  }
  for (const record of Object.values(instances)) {
    const condition = (await isAnswering(record)) ? 'answers' : 'does not answer';
    console.log(`  ${record.name} (${record.backend}) ${condition} at ${hidePassword(record.url)}`);
  }
}

async function rabbitmqctl(...args) {
  const name = args[0] === '--on' ? args.splice(0, 2)[1] : 'rabbitmq';
  const ctl = readState().instances[name]?.ctl;
  if (!ctl)
    throw new SetupError(
      `Holdfast has started no RabbitMQ named ${name}.\n  mend: node scripts/servers.mjs start`,
    );
  const env = { ...process.env, ...ctl.env };
  process.exitCode = await runVisibly(ctl.command, [...ctl.args, ...args], { env, cwd: '/' });
}

/** `--owner <pid>`: the extra is swept away when that process has ended. */
function readOwner(options) {
  const at = options.indexOf('--owner');
  return at === -1 ? undefined : identify(Number(options[at + 1]));
}

function found(kind) {
  const server = readState()[kind];
  if (!server)
    throw new SetupError(`No ${kind} has been found or started yet.\n  mend: node scripts/servers.mjs start`);
  return server;
}

function required(name) {
  if (!name) throw new SetupError(USAGE);
  return name;
}

runMain(async () => {
  const [command, ...args] = process.argv.slice(2);
  if (!commands[command]) throw new SetupError(USAGE);
  await commands[command](...args);
});
