#!/usr/bin/env node
import { ensureDatabase } from './setup/databases.mjs';
import {
  awaitCluster,
  describeCluster,
  instancesNamed,
  nodesOf,
  restartInTurn,
  startCluster,
} from './setup/clusters.mjs';
import { ensureServers } from './setup/ensure-servers.mjs';
import { ensureExtra, ensureExtraCluster } from './setup/extras.mjs';
import { runMain, SetupError } from './setup/failure.mjs';
import {
  freezeInstance,
  hidePassword,
  isAnswering,
  killInstance,
  removeInstance,
  startInstance,
  stopInstance,
  thawInstance,
} from './setup/instances.mjs';
import { healNode, partitionNode } from './setup/partitions.mjs';
import { identify } from './setup/processes.mjs';
import { runVisibly } from './setup/run.mjs';
import { readState } from './setup/state.mjs';
import { ensureVhost } from './setup/vhosts.mjs';

const USAGE = `node scripts/servers.mjs
  status                                  what this checkout started or found
  start                                   finds or starts RabbitMQ and Postgres
  start|stop|kill <name>                  controls a server that was started here (kill is kill -9)
  freeze|thaw <name>                      SIGSTOP and SIGCONT to all its processes
  ctl [--on <name>] <rabbitmqctl args…>   rabbitmqctl, with the right environment
  extra rabbitmq|postgres <name>          a disposable server beside the shared one; prints its record as JSON
  extra-cluster <name>                    three disposable RabbitMQ nodes in one cluster, named <name>:1 to <name>:3;
                                          the commands above take a node or the whole
  partition|heal <name>:<1..3>            cuts a node off from the others of its cluster, and lets it find them again
  await <name>                            waits until all nodes of a cluster run and all quorum queues are complete
  rolling-restart <name>                  stops and starts each node in turn, waiting for the whole after each
  extra-stop <name>                       removes an extra server or cluster with its data
  vhost|database <name>                   creates one on the shared server, if it is not there; prints its address`;

/** Standard output belongs to answers (JSON); what is being done goes to standard error. */
const log = (line) => console.error(line);

/** Does it to a server, to a node, or to all nodes of a cluster at once. */
const toEach = (action) => (name) =>
  Promise.all(instancesNamed(required(name)).map((one) => action(one, log)));

const commands = {
  status,
  start,
  stop: toEach(stopInstance),
  kill: toEach(killInstance),
  freeze: toEach(freezeInstance),
  thaw: toEach(thawInstance),
  ctl: rabbitmqctl,
  extra: (kind, name, ...options) =>
    print(ensureExtra(kind, required(name), { owner: readOwner(options), log })),
  'extra-cluster': (name, ...options) =>
    print(ensureExtraCluster(required(name), { owner: readOwner(options), log })),
  partition: (name) => partitionNode(required(name)),
  heal: (name) => healNode(required(name)),
  await: (name) => awaitCluster(required(name)),
  'rolling-restart': (name) => restartInTurn(required(name), log),
  'extra-stop': remove,
  vhost: async (name) => console.log(await ensureVhost(found('rabbitmq'), required(name))),
  database: async (name) => console.log(await ensureDatabase(found('postgres').url, required(name))),
};

async function start(name) {
  if (!name) return ensureServers({ log });
  if (nodesOf(name).length === 0) return print(startInstance(name, log));
  await startCluster(name, log);
  return print(describeCluster(name));
}

async function remove(name) {
  const cluster = readState().instances[required(name)]?.cluster;
  if (cluster) {
    throw new SetupError(
      `${name} is a node of ${cluster}, and the others would wait for it for ever.\n` +
        `  mend: node scripts/servers.mjs stop ${name}, or extra-stop ${cluster} to remove all of it`,
    );
  }
  await toEach(removeInstance)(name);
}

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
