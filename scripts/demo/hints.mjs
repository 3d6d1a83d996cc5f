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

/** What to try in another terminal: two variables first, so that the lines stay short. */
export function hints({ servers, stage }) {
  const { service, territory } = stage;
  const { origin, username } = new URL(servers.managementUrl);
  const user = `${username}:${username === 'guest' ? 'guest' : '<password>'}`;
  const letters = `${origin}/api/queues/${encodeURIComponent(territory.vhost)}/orders.dlq/get`;
  const order = {
    type: 'orders',
    payload: { id: 'mine-1', customer: 'You', amount: 4200 },
    transactionId: 'mine-1',
  };
  const peek = { count: 1, ackmode: 'ack_requeue_true', encoding: 'auto' };
  const json = "-H 'content-type: application/json' -d";
  return `Try in another terminal, after these two lines:
  KEY='authorization: Bearer ${service.apiKey}'
  API=${service.url}/api/v1
every consumer and what it does now
  curl -s -H "$KEY" $API/consumers
pause one (the others go on, its queue fills), and resume it
  curl -s -X POST -H "$KEY" $API/consumers/payments/pause
  curl -s -X POST -H "$KEY" $API/consumers/payments/resume
send an order of your own; sent twice it still takes effect once
  curl -s -H "$KEY" $API/messages/process ${json} '${JSON.stringify(order)}'
what became of it, and of an order that met the bug
  curl -s -H "$KEY" $API/messages/mine-1
  curl -s -H "$KEY" $API/messages/${orderId(5)}
a dead letter: reason, error and stack in its headers, the body as it was sent
  curl -s -u ${user} ${letters} ${json} '${JSON.stringify(peek)}'`;
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
