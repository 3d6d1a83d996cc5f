import type { FactoryProvider } from '@nestjs/common';
import { getToken } from '@willsoto/nestjs-prometheus';
import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import { REGISTRY } from './registry';

/** From what a cache answers to what a timeout ends. */
const SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];

/**
 * Every metric of Holdfast, under the tokens of nestjs-prometheus (`@InjectMetric`). Not by its own providers: those use the one
 * global registry, in which a second application of the process would find the numbers of the first.
 */
export const METRICS: readonly FactoryProvider[] = [
  define('holdfast_messages_total', Counter, {
    help: 'Settled deliveries by outcome; a release was given back to the broker and comes again.',
    labelNames: ['queue', 'outcome'],
  }),
  define('holdfast_retries_total', Counter, {
    help: 'Failed tries that will be followed by another, by kind of failure.',
    labelNames: ['queue', 'reason'],
  }),
  define('holdfast_processing_seconds', Histogram, {
    help: 'From receiving a message to settling it; releases are left out.',
    labelNames: ['queue'],
    buckets: SECONDS,
  }),
  define('holdfast_in_flight', Gauge, { help: 'Messages whose handler is running.', labelNames: ['queue'] }),
  define('holdfast_consumer_state', Gauge, {
    help: '1 for the state the consumer is in, 0 for the others.',
    labelNames: ['queue', 'state'],
  }),
  define('holdfast_broker_connected', Gauge, {
    help: '1 while the connection to RabbitMQ is open.',
    labelNames: ['connection'],
  }),
  define('holdfast_broker_blocked', Gauge, {
    help: '1 while RabbitMQ takes nothing on the connection.',
    labelNames: ['connection'],
  }),
  define('holdfast_database_available', Gauge, { help: '1 while Postgres answers.' }),
  define('holdfast_queue_ready', Gauge, {
    help: 'Messages waiting in the queue, dead-letter queues included.',
    labelNames: ['queue'],
  }),
  define('holdfast_topology_findings', Gauge, {
    help: 'Ways in which a policy, or a missing queue or exchange, drops, expires, reroutes or holds up messages.',
    labelNames: ['queue', 'kind'],
  }),
  define('holdfast_policies_readable', Gauge, {
    help: '1 while the policies of RabbitMQ can be read and judged.',
  }),
  define('holdfast_outbox_oldest_timestamp_seconds', Gauge, {
    help: 'When the oldest message of the outbox that is not published yet was written; 0 when there is none.',
  }),
];

type MetricClass<Options> = new (options: Options & { name: string; registers: Registry[] }) => object;

function define<Options extends object>(
  name: string,
  metric: MetricClass<Options>,
  options: Options,
): FactoryProvider {
  return {
    provide: getToken(name),
    useFactory: (registry: Registry) => new metric({ ...options, name, registers: [registry] }),
    inject: [REGISTRY],
  };
}
