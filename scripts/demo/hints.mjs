import { hidePassword } from '../setup/instances.mjs';
import { orderId } from './orders.mjs';

/** Where to look. */
export function addresses({ servers, stage }) {
  const { service, territory } = stage;
  return [
    `health       ${service.url}/health/ready`,
    `metrics      ${service.url}/metrics`,
    `API          ${service.url}/api/docs     key: ${service.apiKey}`,
    `RabbitMQ     ${new URL(servers.managementUrl).origin}     vhost ${territory.vhost}, user ${new URL(servers.managementUrl).username}`,
    `Postgres     ${hidePassword(territory.databaseUrl)}`,
    `log          ${service.logPath}`,
  ].join('\n');
}

/** What to try in another terminal. */
export function hints({ servers, stage }) {
  const { service, territory } = stage;
  const auth = `-H 'authorization: Bearer ${service.apiKey}'`;
  const json = "-H 'content-type: application/json'";
  const management = new URL(servers.managementUrl);
  const peek = `${management.origin}/api/queues/${encodeURIComponent(territory.vhost)}/orders.dlq/get`;
  const letter = { count: 1, ackmode: 'ack_requeue_true', encoding: 'auto' };
  const order = { id: 'mine-1', customer: 'You', amount: 4200 };
  return [
    'Try in another terminal:',
    ' what every consumer does now',
    `  curl -s ${auth} ${service.url}/api/v1/consumers`,
    ' pause one: the others go on, its queue fills; then resume it',
    `  curl -s -X POST ${auth} ${json} -d '{"reason":"having a look"}' ${service.url}/api/v1/consumers/payments/pause`,
    `  curl -s -X POST ${auth} ${service.url}/api/v1/consumers/payments/resume`,
    ' send an order of your own, twice: it takes effect once',
    `  curl -s -X POST ${auth} ${json} -d '${JSON.stringify({ type: 'orders', payload: order, transactionId: 'mine-1' })}' ${service.url}/api/v1/messages/process`,
    ' what became of it, and of one that met a bug',
    `  curl -s ${auth} ${service.url}/api/v1/messages/mine-1`,
    `  curl -s ${auth} ${service.url}/api/v1/messages/${orderId(5)}`,
    ' look at a dead letter: reason, error and stack are in its headers, the body is what was sent',
    `  curl -s -u ${management.username}:${management.username === 'guest' ? 'guest' : '<password>'} -X POST ${json} -d '${JSON.stringify(letter)}' '${peek}'`,
  ].join('\n');
}

export const HELP = [
  'p  poison: 25 malformed messages at once',
  'd  database away for 10 s, in the middle of transactions',
  'c  cut every connection of the service to the broker',
  'x  downstream (the payment service) broken, and fixed with the next x',
  'k  kill -9 the service and start it again',
  'h  this, and what to try in another terminal',
  'q  quit, as does Ctrl-C: stops everything the demo started',
].join('\n');
