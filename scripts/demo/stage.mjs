import { randomBytes } from 'node:crypto';
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { shakeHandsWithRabbitmq } from '../setup/amqp-handshake.mjs';
import { SetupError } from '../setup/failure.mjs';
import { hidePassword } from '../setup/instances.mjs';
import { stateDir } from '../setup/paths.mjs';
import { findFreePorts, isFree } from '../setup/ports.mjs';
import { Ledger } from './ledger.mjs';
import { Orders } from './orders.mjs';
import { startPaymentServer } from './payment-server.mjs';
import { Producer } from './producer.mjs';
import { Service } from './service.mjs';
import { claimTerritory } from './territory.mjs';
import { Watch } from './watch.mjs';
import { layWire, throughWire } from './wire.mjs';

/** Everything that plays a part, up and ready: `{ service, producer, paymentServer, wires, watch, ledger, … }`. */
export async function buildStage({ servers, goodbye, onServiceEnd }) {
  const rabbitmqUrl = await firstAnswering(servers.rabbitmqUrl);
  refuseTls(rabbitmqUrl, servers.databaseUrl);
  const territory = await claimTerritory({ ...servers, rabbitmqUrl }, goodbye);
  goodbye.signal.throwIfAborted();
  const wires = {
    broker: await layWire(endOf(territory.rabbitmqUrl, 5672), goodbye),
    database: await layWire(endOf(territory.databaseUrl, 5432), goodbye),
  };
  const paymentServer = await startPaymentServer(goodbye);
  const watch = new Watch(servers, territory);
  goodbye.remember('watch', () => watch.close());
  await watch.open();

  const service = await makeService({ territory, wires, paymentServer });
  const startService = () => service.start(onServiceEnd);
  goodbye.remember(
    'service',
    () => service.stop(),
    () => service.forceKill(),
  );
  startService();
  await service.whenReady(goodbye.signal);

  const ledger = new Ledger();
  const producer = new Producer({ url: territory.rabbitmqUrl, orders: new Orders(), ledger });
  goodbye.remember('producer', () => producer.close());
  await producer.open();
  return { service, startService, producer, paymentServer, wires, watch, ledger, territory };
}

async function makeService({ territory, wires, paymentServer }) {
  const apiKey = `demo-${randomBytes(8).toString('hex')}`;
  const logPath = join(stateDir, 'demo.log');
  mkdirSync(stateDir, { recursive: true });
  rmSync(logPath, { force: true });
  const env = {
    ...foreignEnvironment(),
    RABBITMQ_URL: throughWire(territory.rabbitmqUrl, wires.broker),
    DATABASE_URL: throughWire(territory.databaseUrl, wires.database),
    HOLDFAST_EXAMPLES: 'true',
    HOLDFAST_API_KEYS: `demo:admin:${apiKey}`,
    HOLDFAST_SHUTDOWN_GRACE: '5s',
    EXAMPLE_PAYMENT_URL: paymentServer.url,
  };
  return new Service({ env, port: await choosePort(), apiKey, logPath });
}

/** The caller's settings of a service of his own have no place in the demo. */
const foreignEnvironment = () =>
  Object.fromEntries(
    Object.entries(process.env).filter(
      ([name]) => !/^(HOLDFAST_|EXAMPLE_|RABBITMQ_URL|DATABASE_URL)/.test(name),
    ),
  );

async function choosePort() {
  const wanted = Number(process.env.PORT) || 3000;
  if (await isFree(wanted)) return wanted;
  const [free] = await findFreePorts(1, new Set());
  return free;
}

/** Of a cluster's addresses the first that answers: the demo's wire leads to one node. */
async function firstAnswering(urls) {
  const list = urls.split(',').map((url) => url.trim());
  for (const url of list) {
    const answers = await shakeHandsWithRabbitmq(url).then(
      () => true,
      () => false,
    );
    if (answers) return url;
  }
  return list[0];
}

function refuseTls(rabbitmqUrl, databaseUrl) {
  const needsTls = [rabbitmqUrl, databaseUrl].find(
    (url) => url.startsWith('amqps:') || /[?&]sslmode=(require|verify)/.test(url),
  );
  if (!needsTls) return;
  throw new SetupError(
    `The demo puts a wire of its own between the service and ${hidePassword(needsTls)} to be able to cut it, and TLS forbids that.\n` +
      '  mend: name a server without TLS, or none (unset RABBITMQ_URL DATABASE_URL), and the demo finds or starts one.',
  );
}

function endOf(url, defaultPort) {
  const { hostname, port } = new URL(url);
  return { host: hostname.replace(/^\[|\]$/g, ''), port: Number(port) || defaultPort };
}
